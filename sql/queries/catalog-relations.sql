-- catalog-relations: everything a name in FROM can mean, but for temporary relations, which are a session's own.
select c.oid, n.nspname, c.relname, c.relkind, c.relrowsecurity,
       exists (select from pg_catalog.pg_attribute as a where a.attrelid = c.oid and a.attacl is not null)
         as has_column_privileges,
       c.reltuples
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f')
   and c.relpersistence <> 't'
   and n.nspname <> 'pg_toast'
