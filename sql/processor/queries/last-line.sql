-- last-line: how the latest run of this session went.
select l.at, l.slot, l.partition_key, l.hash, l.status, l.key_count, l.ms, l.message
  from "{schema}"."{prefix}processor_log" as l
 where l.slot = -pg_catalog.pg_backend_pid() and l.id > $1
 order by l.id
