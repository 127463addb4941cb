-- intersect-bits: as intersect-arrays, for sets of bits. Beyond the end of the shortest, no key is in all of them.
with entry as materialized (
  select e.hash, e.has_null_key, e.key_count, e.bits
    from "{schema}"."{prefix}entry" as e
   where e.backend = $1 and e.partition_key = $2 and e.hash = any ($3) and e.status = 'ok'
),
shortest as (
  select pg_catalog.min(pg_catalog.length(entry.bits)) as bits from entry
)
select (select pg_catalog.array_agg(pg_catalog.encode(entry.hash, 'hex')) from entry) as hits,
       (select pg_catalog.bool_and(entry.has_null_key) from entry) as has_null_key,
       (
         select coalesce(pg_catalog.bool_and(coalesce(pg_catalog.bit_count(entry.bits), -1) = entry.key_count), true)
           from entry
       ) as is_sound,
       (
         select pg_catalog.varbit_send(pg_catalog.bit_and(pg_catalog.substring(entry.bits, 1, shortest.bits)))
           from entry, shortest
       ) as keys
