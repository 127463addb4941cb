-- intersect-roaring: as intersect-arrays, for roaring bitmaps; it fails for what is none. Where pg_roaringbitmap 1.0 or later is in {extension}.
with entry as materialized (
  select e.hash, e.has_null_key, e.key_count, e.roaring
    from "{schema}"."{prefix}entry" as e
   where e.backend = $1 and e.partition_key = $2 and e.hash = any ($3) and e.status = 'ok'
)
select (select pg_catalog.array_agg(pg_catalog.encode(entry.hash, 'hex')) from entry) as hits,
       (select pg_catalog.bool_and(entry.has_null_key) from entry) as has_null_key,
       (
         select coalesce(
                  pg_catalog.bool_and(
                    coalesce("{extension}".rb64_cardinality("{extension}".roaringbitmap64(entry.roaring)), -1) = entry.key_count
                  ),
                  true
                )
           from entry
       ) as is_sound,
       (
         select "{extension}".rb64_and_agg("{extension}".roaringbitmap64(entry.roaring))::pg_catalog.bytea
           from entry
       ) as keys
