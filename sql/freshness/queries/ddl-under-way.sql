-- ddl-under-way: whether DDL that counts in catalog-version.sql already may not be seen by a snapshot taken next; to be asked between the two.
select exists (select
                 from pg_catalog.pg_locks as l, (select "{schema}".catalog_lock() as key) as k
                where l.locktype = 'advisory'
                  and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
                  and l.objsubid = 1
                  and l.classid = ((k.key >> 32) & 4294967295)::pg_catalog.oid
                  and l.objid = (k.key & 4294967295)::pg_catalog.oid) as is_under_way
