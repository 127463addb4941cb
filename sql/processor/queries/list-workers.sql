-- list-workers: the sessions that work, and on what.
select j.slot,
       j.pid,
       j.done,
       j.entered_at,
       j.work ->> 'partitionKey' as partition_key,
       j.work ->> 'hash' as hash,
       j.attempts,
       (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - j.claimed_at))::double precision as seconds,
       exists (
         select from pg_catalog.pg_stat_activity as a where a.pid = j.pid and (a.backend_start is null or a.backend_start = j.backend_start)
       ) as is_alive
  from "{schema}"."{prefix}processor_job" as j
 order by j.slot
