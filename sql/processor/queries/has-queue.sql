-- has-queue: whether the tables of the queue, and those of the cache, are here, and what this role may not do with them.
select pg_catalog.to_regclass($1) is not null as queue,
       pg_catalog.to_regclass($2) is not null as cache,
       coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass($1), 'select, update, delete'), false) as may_take,
       coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass($2), 'select, insert, update'), false) as may_write
