-- complete-work: remove work that is done. $1: ids, $2: tokens of the claims.
with held as materialized (
  select q.id
  from "{schema}"."{prefix}{queue}" as q
  join rows from (pg_catalog.unnest($1::bigint[]), pg_catalog.unnest($2::uuid[])) as t (id, token) on q.id = t.id and q.token = t.token
  order by q.hash
  for update of q
)
delete from "{schema}"."{prefix}{queue}" as q using held where q.id = held.id
returning q.id
