-- totals: what backend $1 has, by partition key.
select e.partition_key, pg_catalog.count(*) as entries, coalesce(pg_catalog.sum(e.bytes), 0) as bytes
  from "{schema}"."{prefix}entry" as e
 where e.backend = $1
 group by e.partition_key
 order by e.partition_key
