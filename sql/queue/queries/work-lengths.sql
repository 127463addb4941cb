-- work-lengths: how much work there is for source $1, by what is to become of it, and how long the oldest of it has waited.
select
  pg_catalog.count(*) filter (where q.run_at <= pg_catalog.statement_timestamp()) as waiting,
  pg_catalog.count(*) filter (where q.run_at > pg_catalog.statement_timestamp() and q.token is null) as delayed,
  pg_catalog.count(*) filter (where q.run_at > pg_catalog.statement_timestamp() and q.token is not null) as running,
  extract(epoch from pg_catalog.statement_timestamp() - pg_catalog.min(q.created_at) filter (where q.run_at <= pg_catalog.statement_timestamp()))
    * 1000 as oldest_ms,
  (
    select pg_catalog.count(*)
    from "{schema}"."{prefix}{queue}_dead" as d
    where d.source = $1
  ) as dead
from "{schema}"."{prefix}{queue}" as q
where q.source = $1
