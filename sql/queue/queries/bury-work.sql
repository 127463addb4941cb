-- bury-work: end claim $2 of row $1 as a dead letter, for reason $3; of its source the latest $4 are kept.
with ended as (
  delete from "{schema}"."{prefix}{queue}" as q
  where q.id = $1 and q.token = $2
  returning q.source, q.query, q.hash, q.partition_key, q.attempts
),
forgotten as (
  delete from "{schema}"."{prefix}{queue}_dead" as d
  where (d.source, d.hash) in (
    select o.source, o.hash
    from "{schema}"."{prefix}{queue}_dead" as o
    join ended on o.source = ended.source and o.hash <> ended.hash
    order by o.buried_at desc
    offset $4::bigint - 1
    for update of o skip locked
  )
)
insert into "{schema}"."{prefix}{queue}_dead" (source, query, hash, partition_key, attempts, reason)
select ended.source, ended.query, ended.hash, ended.partition_key, ended.attempts, $3
from ended
on conflict (source, hash) do update
  set attempts = excluded.attempts, reason = excluded.reason, buried_at = pg_catalog.now()
returning hash
