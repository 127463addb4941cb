-- lowest-key: the lowest value that statistics know of the integer columns $1 (schema), $2 (table), $3 (column); null if none is known.
-- And which of them (numbers from 1) begin a btree index, so that their minimum is read at once.
with key_column as (
  select k.position, c.oid as relation, a.attnum, k.schema_name, k.table_name, k.column_name
    from rows from (pg_catalog.unnest($1::pg_catalog.text[]),
                    pg_catalog.unnest($2::pg_catalog.text[]),
                    pg_catalog.unnest($3::pg_catalog.text[]))
           with ordinality as k (schema_name, table_name, column_name, position)
    join pg_catalog.pg_namespace as n on n.nspname = k.schema_name
    join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = k.table_name
    join pg_catalog.pg_attribute as a
      on a.attrelid = c.oid and a.attname = k.column_name and not a.attisdropped
   where a.atttypid in ('pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype,
                        'pg_catalog.int8'::pg_catalog.regtype)
)
select (
         select pg_catalog.min(v.value::pg_catalog.int8)::pg_catalog.text
           from key_column as k
           join pg_catalog.pg_stats as s
             on s.schemaname = k.schema_name and s.tablename = k.table_name and s.attname = k.column_name
          cross join lateral pg_catalog.unnest(
                  pg_catalog.array_cat(s.most_common_vals::pg_catalog.text::pg_catalog.text[],
                                       s.histogram_bounds::pg_catalog.text::pg_catalog.text[])
                ) as v (value)
       ) as lowest,
       (
         select coalesce(pg_catalog.array_agg(k.position order by k.position)::pg_catalog.int4[], '{}')
           from key_column as k
          where exists (
                  select
                    from pg_catalog.pg_index as i
                    join pg_catalog.pg_class as ic on ic.oid = i.indexrelid
                    join pg_catalog.pg_am as m on m.oid = ic.relam
                   where i.indrelid = k.relation and i.indisvalid and i.indpred is null
                     and i.indkey[0] = k.attnum and m.amname = 'btree'
                )
       ) as indexed
