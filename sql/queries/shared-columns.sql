-- shared-columns: the columns of tables of this database that might be partition keys: of a type that keys can have, and in several tables
-- under one name, or what a table is partitioned by. $1 is the schema of pcache itself. With what is known of each: whether the table is
-- partitioned by it, whether a foreign key begins with it, about how many values it has and how many rows the table.
with recursive
made_of (oid, base) as (
  select t.oid, t.oid from pg_catalog.pg_type as t where t.typtype <> 'd'
  union all
  select t.oid, m.base from made_of as m join pg_catalog.pg_type as t on t.typtype = 'd' and t.typbasetype = m.oid
),
tree (root, oid) as (
  select c.oid, c.oid
    from pg_catalog.pg_class as c
   where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
  union all
  select tree.root, i.inhrelid from tree join pg_catalog.pg_inherits as i on i.inhparent = tree.oid
),
size (oid, rows) as (
  select tree.root, pg_catalog.sum(greatest(c.reltuples, 0))
    from tree
    join pg_catalog.pg_class as c on c.oid = tree.oid and c.relkind = 'r'
   group by tree.root
)
select n.nspname as schema_name,
       c.relname as table_name,
       a.attname as column_name,
       m.base::pg_catalog.int4 as type_oid,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type_name,
       coalesce(z.rows, 0)::pg_catalog.float8 as row_count,
       d.distinct_keys::pg_catalog.float8 as distinct_keys,
       coalesce(p.partattrs[0] = a.attnum, false) as is_partitioned_by,
       exists (
         select from pg_catalog.pg_constraint as k
          where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any (k.conkey)
       ) as has_foreign_key,
       exists (
         select from pg_catalog.pg_index as i
          where i.indrelid = c.oid and i.indisunique and i.indnkeyatts = 1 and i.indkey[0] = a.attnum
       ) as is_unique,
       pg_catalog.has_table_privilege(c.oid, 'select') as is_readable
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_class as c on c.oid = a.attrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join made_of as m on m.oid = a.atttypid
  left join size as z on z.oid = c.oid
  left join pg_catalog.pg_partitioned_table as p on p.partrelid = c.oid
  left join lateral (
    select case when s.n_distinct < 0 then -s.n_distinct * z.rows else s.n_distinct end as distinct_keys
      from pg_catalog.pg_stats as s
     where s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname
     order by s.inherited desc
     limit 1
  ) as d on true
 where a.attnum > 0
   and not a.attisdropped
   and c.relkind in ('r', 'p')
   and not c.relispartition
   and c.relpersistence <> 't'
   and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
   and n.nspname <> $1::pg_catalog.name
 order by a.attname, n.nspname, c.relname
