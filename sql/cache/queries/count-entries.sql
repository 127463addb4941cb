-- count-entries: how many partition key $2 of backend $1 has.
select pg_catalog.count(*) as entries from "{schema}"."{prefix}entry" where backend = $1 and partition_key = $2
