-- write-config: set the processor up: $1 source, $2 backend, $3, $4 channels of cache and queue, $5 to $12 limits, $13 log_days, $14 database of pg_cron, $15 duty. What was changed
-- since the first time stays: limits and the like.
insert into "{schema}"."{prefix}processor_config" as c
       (source, backend, cache_channel, queue_channel, max_jobs, frequency_s, timeout_s, max_keys, max_bytes, settings, max_attempts, max_dead, log_days, cron_database, duty)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14, $15)
on conflict (id) do update
   set source = excluded.source,
       backend = excluded.backend,
       cache_channel = excluded.cache_channel,
       queue_channel = excluded.queue_channel,
       settings = excluded.settings,
       max_attempts = excluded.max_attempts,
       duty = excluded.duty,
       cron_database = excluded.cron_database
returning c.xmax = 0 as is_new
