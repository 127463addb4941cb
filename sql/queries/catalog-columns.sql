-- catalog-columns: the columns of every relation that bears one of the names $1, in whatever schema, in the order of `*`.
-- A column counts as NOT NULL only if no row can hold a NULL: not with a constraint that was never validated
-- (PostgreSQL 18), not if an inheritance child has lost the constraint (before PostgreSQL 18), and not if a child is a foreign
-- table, whose constraints nobody enforces.
with recursive
named as (
  select c.oid
    from pg_catalog.pg_class as c
   where c.relname = any ($1::pg_catalog.text[])
     and c.relkind in ('r', 'p', 'v', 'm', 'f')
     and c.relpersistence <> 't'
),
tree (root, oid) as (
  select oid, oid from named
  union
  select tree.root, i.inhrelid from tree join pg_catalog.pg_inherits as i on i.inhparent = tree.oid
)
select a.attrelid,
       a.attname,
       a.atttypid,
       coalesce(l.collisdeterministic, true) as is_deterministic,
       a.attcollation,
       a.attnotnull and not exists (
         select
           from tree
           join pg_catalog.pg_class as c on c.oid = tree.oid
           join pg_catalog.pg_attribute as b on b.attrelid = tree.oid and b.attname = a.attname
           left join pg_catalog.pg_constraint as k
                  on k.conrelid = b.attrelid and k.contype = 'n' and k.conkey = array[b.attnum] and not k.convalidated
          where tree.root = a.attrelid
            and (not b.attnotnull or k.oid is not null or c.relkind = 'f')
       ) as is_not_null
  from named
  join pg_catalog.pg_attribute as a on a.attrelid = named.oid
  left join pg_catalog.pg_collation as l on l.oid = a.attcollation
 where a.attnum > 0
   and not a.attisdropped
 order by a.attrelid, a.attnum
