-- change-config: take what is not null: $1 enabled, $2 max_jobs, $3 frequency_s, $4 timeout_s, $5 max_keys, $6 log_days, $7 cron_database.
update "{schema}"."{prefix}processor_config" as c
   set is_enabled = coalesce($1, c.is_enabled),
       max_jobs = coalesce($2, c.max_jobs),
       frequency_s = coalesce($3, c.frequency_s),
       timeout_s = coalesce($4, c.timeout_s),
       max_keys = coalesce($5, c.max_keys),
       log_days = coalesce($6, c.log_days),
       cron_database = coalesce($7, c.cron_database)
returning c.id
