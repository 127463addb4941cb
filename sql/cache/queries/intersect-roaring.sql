-- intersect-roaring: as intersect-arrays, for roaring bitmaps, where pg_roaringbitmap 1.0 or later is installed in {extension}.
with entry as materialized (
  select e.hash, e.has_null_key, e.roaring
    from "{schema}"."{prefix}entry" as e
   where e.backend = $1 and e.partition_key = $2 and e.hash = any ($3) and e.status = 'ok'
)
select (select pg_catalog.array_agg(pg_catalog.encode(entry.hash, 'hex')) from entry) as hits,
       (select pg_catalog.bool_and(entry.has_null_key) from entry) as has_null_key,
       (
         select "{extension}".rb64_and_agg("{extension}".roaringbitmap64(entry.roaring))::pg_catalog.bytea
           from entry
       ) as keys
