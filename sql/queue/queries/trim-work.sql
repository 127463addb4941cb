-- trim-work: of the work for source $1 that nobody has, remove what is wanted least beyond $2 pieces.
with least as materialized (
  select q.id
  from "{schema}"."{prefix}{queue}" as q
  where q.source = $1 and q.token is null
  order by q.priority desc, q.created_at, q.ordinal
  offset $2
)
delete from "{schema}"."{prefix}{queue}" as q
where q.id in (
  select l.id
  from "{schema}"."{prefix}{queue}" as l
  where l.id in (select least.id from least) and l.token is null
  for update skip locked
)
returning pg_catalog.encode(q.hash, 'hex') as hash
