-- read-config: how the processor is set up.
select c.is_enabled, c.source, c.backend, c.max_jobs, c.frequency_s, c.timeout_s, c.max_keys, c.log_days, c.cron_database
  from "{schema}"."{prefix}processor_config" as c
