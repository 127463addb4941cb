-- key-columns: the tables that have a column called $1, what its type is made of, and whether this role may read them. Partitions
-- are left out, for their table is there; so are system schemas, and pcache's own in $2.
with recursive
made_of (oid, base) as (
  select t.oid, t.oid from pg_catalog.pg_type as t where t.typtype <> 'd'
  union all
  select t.oid, m.base from made_of as m join pg_catalog.pg_type as t on t.typtype = 'd' and t.typbasetype = m.oid
)
select n.nspname as schema_name,
       c.relname as table_name,
       a.attname as column_name,
       m.base::pg_catalog.int4 as type_oid,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type_name,
       pg_catalog.has_table_privilege(c.oid, 'select') as is_readable
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_class as c on c.oid = a.attrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join made_of as m on m.oid = a.atttypid
 where a.attname = $1::pg_catalog.name
   and a.attnum > 0
   and not a.attisdropped
   and c.relkind in ('r', 'p')
   and not c.relispartition
   and c.relpersistence <> 't'
   and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
   and n.nspname <> $2::pg_catalog.name
 order by 1, 2
