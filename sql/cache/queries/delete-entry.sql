-- delete-entry: remove entry $3 of partition key $2 of backend $1; returns no row if it was not there.
-- The change is told with the payload $5 on the channel $4.
with deleted as (
  delete from "{schema}"."{prefix}entry" where backend = $1 and partition_key = $2 and hash = $3 returning 1
)
select pg_catalog.pg_notify($4, $5) from deleted
