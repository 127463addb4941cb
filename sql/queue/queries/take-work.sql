-- take-work: claim up to $2 pieces of work for source $1 that nobody has, most wanted first, for $3 milliseconds.
with due as materialized (
  select q.id
  from "{schema}"."{prefix}{queue}" as q
  where q.source = $1 and q.run_at <= pg_catalog.statement_timestamp()
  order by q.priority desc, q.created_at, q.ordinal
  limit $2
  for update skip locked
)
update "{schema}"."{prefix}{queue}" as q
set run_at = pg_catalog.clock_timestamp() + $3::double precision * interval '1 ms',
    attempts = q.attempts + 1,
    token = pg_catalog.gen_random_uuid(),
    updated_at = pg_catalog.now()
from due
where q.id = due.id
returning q.id, q.token, q.work, q.priority, q.attempts, q.ordinal,
  (pg_catalog.date_part('epoch', q.created_at) * 1000)::double precision as queued_at
