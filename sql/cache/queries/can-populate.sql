-- can-populate: in a transaction that is to write entries, what is in the way of it; null if nothing is. $2, $3: the schema and its table of entries,
-- $4, $5: its functions. Until the transaction ends it holds the lock $1, for somebody with another connection to see whether both are in the same database
-- (holds-lock.sql). Nothing that is not there, or may not be looked into, makes it fail.
select case
         when pg_catalog.to_regnamespace($2::pg_catalog.text) is null
           then 'the tables of key sets are not in the database of the fragments'
         when not pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace($2)::pg_catalog.oid, 'usage')
           then 'the control role may not write key sets; run what pcache manage grants prints'
         when pg_catalog.to_regclass($3::pg_catalog.text) is null
           then 'the tables of key sets are not in the database of the fragments'
         when pg_catalog.to_regprocedure($4::pg_catalog.text) is null or pg_catalog.to_regprocedure($5::pg_catalog.text) is null
           then 'the tables of key sets there are of an earlier version; run pcache manage setup'
         when not (pg_catalog.has_table_privilege($3, 'select')
                   and pg_catalog.has_table_privilege($3, 'insert')
                   and pg_catalog.has_table_privilege($3, 'update')
                   and pg_catalog.has_function_privilege($4, 'execute')
                   and pg_catalog.has_function_privilege($5, 'execute'))
           then 'the control role may not write key sets; run what pcache manage grants prints'
         when pg_catalog.current_setting('transaction_read_only') = 'on'
           then 'the database of the fragments takes no writes'
         when pg_catalog.current_setting('server_encoding') <> 'UTF8'
           then 'the encoding of the database is not UTF8'
       end as problem,
       pg_catalog.pg_advisory_xact_lock_shared($1::pg_catalog.int8) as locked
