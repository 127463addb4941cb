-- sum-log: how runs ended in the last $1 hours, by partition key.
select l.partition_key,
       l.status,
       pg_catalog.count(*) as runs,
       pg_catalog.avg(l.ms) as average_ms,
       pg_catalog.max(l.ms) as longest_ms,
       pg_catalog.sum(l.key_count) as keys
  from "{schema}"."{prefix}processor_log" as l
 where l.at > pg_catalog.now() - $1::double precision * interval '1 hour'
 group by l.partition_key, l.status
 order by l.partition_key, l.status
