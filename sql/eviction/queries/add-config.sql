-- add-config: set eviction of backend $1 up, unless it is; $2: channel of its changes, $3 to $8 strategy and limits, $9: days of the log, $10: schedule, $11: database of pg_cron.
insert into "{schema}"."{prefix}eviction_config"
       (backend, channel, strategy, max_age_days, max_entries, max_bytes, max_entries_per_key, max_bytes_per_key, log_days, schedule, cron_database)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (backend) do nothing
returning backend
