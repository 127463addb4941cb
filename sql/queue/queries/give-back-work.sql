-- give-back-work: end claim $2 of row $1; it can be claimed again in $3 milliseconds. $4: attempts not to be counted; $5: channel to tell of it.
with given as (
  update "{schema}"."{prefix}{queue}" as q
  set run_at = pg_catalog.clock_timestamp() + $3::double precision * interval '1 ms',
      attempts = q.attempts - $4::integer,
      token = null,
      updated_at = pg_catalog.now()
  where q.id = $1 and q.token = $2
  returning (pg_catalog.date_part('epoch', q.run_at) * 1000)::double precision as run_at
)
select given.run_at, pg_catalog.pg_notify($5, '') as told from given
