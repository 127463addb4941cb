-- catalog-collations: the collations that can be named in this database. Of two of one name in a schema, PostgreSQL takes the one
-- that was made for the database's encoding before the one that is for any: the last here.
select c.oid, n.nspname, c.collname, c.collisdeterministic
  from pg_catalog.pg_collation as c
  join pg_catalog.pg_namespace as n on n.oid = c.collnamespace
  join pg_catalog.pg_database as d on d.datname = pg_catalog.current_database()
 where c.collencoding in (-1, d.encoding)
 order by c.collencoding
