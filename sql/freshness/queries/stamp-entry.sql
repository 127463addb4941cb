-- stamp-entry: in the transaction that runs a fragment (rule F1), what its entry is to carry. $1, $2, $3: schemas, tables and key columns
-- (null: a table that is only read in sub-selects) of all it reads; sources has a null for one that is not tracked, or not reliably.
-- The entry may be used once is-durable.sql says so of wal_position: a transaction that was seen can be lost in a crash until then.
select "{schema}".safe_snapshot()::pg_catalog.text as snapshot,
       "{schema}".server() as server,
       (select t.epoch::pg_catalog.text from "{schema}".tracking as t) as epoch,
       case when pg_catalog.pg_is_in_recovery() then null else pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text end as wal_position,
       array(select (select pg_catalog.min(s.id)
                       from "{schema}".source as s
                      where s.relation = c.oid
                        and (k.column_name is null or s.key_column = k.column_name)
                        -- A crash empties an unlogged table, and no trigger tells. Where its rows are those of the block, there are only fewer then.
                        and (k.column_name is not null
                             or not exists (select
                                              from "{schema}".tree_of(c.oid) as t
                                              join pg_catalog.pg_class as u on u.oid = t.relation
                                             where u.relpersistence = 'u'))
                        and not exists (select
                                          from "{schema}".change_whole as w
                                         where w.source = s.id
                                           and w.xid = '18446744073709551615'::pg_catalog.xid8))
               from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.text[]))
                    with ordinality as k (schema_name, table_name, column_name, position)
               left join pg_catalog.pg_namespace as n on n.nspname = k.schema_name
               left join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = k.table_name
              order by k.position) as sources
