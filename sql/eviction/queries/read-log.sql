-- read-log: the latest $2 runs over backend $1, latest first.
select l.started_at, l.finished_at, l.strategy, l.entries, l.bytes, l.evicted, l.evicted_bytes, l.by_age, l.by_partition_key, l.by_total
  from "{schema}"."{prefix}eviction_log" as l
 where l.backend = $1
 order by l.started_at desc, l.id desc
 limit $2
