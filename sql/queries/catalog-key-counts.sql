-- catalog-key-counts: estimated number of distinct keys for the columns $1 (schema), $2 (table), $3 (column), in order.
-- From the statistics of ANALYZE, where n_distinct below zero is a share of the rows; null if there are none.
select k.position,
       max(case when s.n_distinct < 0 then -s.n_distinct * greatest(c.reltuples, 0) else s.n_distinct end) as key_count
  from rows from (pg_catalog.unnest($1::pg_catalog.text[]),
                  pg_catalog.unnest($2::pg_catalog.text[]),
                  pg_catalog.unnest($3::pg_catalog.text[]))
         with ordinality as k (schema_name, table_name, column_name, position)
  left join pg_catalog.pg_stats as s
         on s.schemaname = k.schema_name and s.tablename = k.table_name and s.attname = k.column_name
  left join pg_catalog.pg_namespace as n on n.nspname = k.schema_name
  left join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = k.table_name
 group by k.position
 order by k.position
