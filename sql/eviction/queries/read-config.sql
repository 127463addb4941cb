-- read-config: how eviction of backend $1 is set up.
select c.is_enabled, c.strategy, c.max_age_days, c.max_entries, c.max_bytes, c.max_entries_per_key, c.max_bytes_per_key, c.log_days, c.schedule, c.cron_database
  from "{schema}"."{prefix}eviction_config" as c
 where c.backend = $1
