-- change-config: for backend $1, take what of these is not null: strategy $2; days of the log $4, schedule $5, database of pg_cron $6, whether it is enabled $7. $3: limits by name, null: none.
update "{schema}"."{prefix}eviction_config" as c
   set strategy = coalesce($2, c.strategy),
       max_age_days = case when l.limits ? 'max_age_days' then (l.limits ->> 'max_age_days')::double precision else c.max_age_days end,
       max_entries = case when l.limits ? 'max_entries' then (l.limits ->> 'max_entries')::bigint else c.max_entries end,
       max_bytes = case when l.limits ? 'max_bytes' then (l.limits ->> 'max_bytes')::bigint else c.max_bytes end,
       max_entries_per_key =
         case when l.limits ? 'max_entries_per_key' then (l.limits ->> 'max_entries_per_key')::bigint else c.max_entries_per_key end,
       max_bytes_per_key =
         case when l.limits ? 'max_bytes_per_key' then (l.limits ->> 'max_bytes_per_key')::bigint else c.max_bytes_per_key end,
       log_days = coalesce($4, c.log_days),
       schedule = coalesce($5, c.schedule),
       cron_database = coalesce($6, c.cron_database),
       is_enabled = coalesce($7, c.is_enabled)
  from (select $3::jsonb as limits) as l
 where c.backend = $1
returning c.backend
