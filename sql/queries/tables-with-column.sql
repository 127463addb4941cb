-- tables-with-column: the tables that have a column called $1 of one of the types $2, domains over them included. Partitions are left
-- out, for their table is there; so are views, which have to be named, system schemas, and pcache's own in $3.
with recursive
made_of (oid, base) as (
  select t.oid, t.oid from pg_catalog.pg_type as t where t.typtype <> 'd'
  union all
  select t.oid, m.base from made_of as m join pg_catalog.pg_type as t on t.typtype = 'd' and t.typbasetype = m.oid
)
select n.nspname as schema_name,
       c.relname as table_name
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_class as c on c.oid = a.attrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join made_of as m on m.oid = a.atttypid
 where a.attname = $1::pg_catalog.name
   and m.base::pg_catalog.int8 = any ($2::pg_catalog.int8[])
   and a.attnum > 0
   and not a.attisdropped
   and c.relkind in ('r', 'p')
   and not c.relispartition
   and c.relpersistence <> 't'
   and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
   and n.nspname <> $3::pg_catalog.name
 order by 1, 2
