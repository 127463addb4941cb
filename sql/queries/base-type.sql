-- base-type: what the type $1 is made of, through all domains; itself if it is none.
-- Qualified throughout, since it runs under a fragment's search_path.
with recursive made_of (oid, base, depth) as (
  select t.oid, t.typbasetype, 0
    from pg_catalog.pg_type as t
   where t.oid operator(pg_catalog.=) $1::pg_catalog.oid
  union all
  select t.oid, t.typbasetype, m.depth operator(pg_catalog.+) 1
    from made_of as m
    join pg_catalog.pg_type as t on t.oid operator(pg_catalog.=) m.base
)
select m.oid from made_of as m order by m.depth desc limit 1
