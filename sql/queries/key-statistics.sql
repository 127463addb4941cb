-- key-statistics: what ANALYZE knows of the key column $3 of table $2 in schema $1, in the table and in what inherits from it if anything does.
-- NULL stands among the common keys.
select case when s.n_distinct operator(pg_catalog.<) 0
            then s.n_distinct operator(pg_catalog.*) ((-1)::pg_catalog.float8) operator(pg_catalog.*) c.reltuples
            else s.n_distinct
       end::pg_catalog.float8 as distinct_keys,
       pg_catalog.array_append(coalesce(s.most_common_freqs, '{}'), s.null_frac)::pg_catalog.float8[] as common_shares
  from pg_catalog.pg_stats as s
  join pg_catalog.pg_namespace as n on n.nspname operator(pg_catalog.=) s.schemaname
  join pg_catalog.pg_class as c on c.relnamespace operator(pg_catalog.=) n.oid and c.relname operator(pg_catalog.=) s.tablename
 where s.schemaname operator(pg_catalog.=) $1::pg_catalog.text
   and s.tablename operator(pg_catalog.=) $2::pg_catalog.text
   and s.attname operator(pg_catalog.=) $3::pg_catalog.text
 order by s.inherited desc
 limit 1
