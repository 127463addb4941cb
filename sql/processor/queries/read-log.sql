-- read-log: the latest $1 lines of the log, latest first; of status $2, if that is not null.
select l.at, l.slot, l.partition_key, l.hash, l.status, l.key_count, l.ms, l.message
  from "{schema}"."{prefix}processor_log" as l
 where $2::text is null or l.status = $2
 order by l.at desc, l.id desc
 limit $1
