-- intersect-arrays: the keys that all those of the entries $3 have that exist with keys, of partition key $2 of backend $1.
-- Each array holds a key once: one that is there as often as there are arrays is in all of them.
-- Whether each has the keys it is said to have; if not, the answer is of no use.
with entry as materialized (
  select e.hash, e.has_null_key, e.key_count, e."{column}" as keys
    from "{schema}"."{prefix}entry" as e
   where e.backend = $1 and e.partition_key = $2 and e.hash = any ($3) and e.status = 'ok'
),
common as (
  select k.key
    from entry, pg_catalog.unnest(entry.keys) as k (key)
   group by k.key
  having pg_catalog.count(*) = (select pg_catalog.count(*) from entry)
)
select (select pg_catalog.array_agg(pg_catalog.encode(entry.hash, 'hex')) from entry) as hits,
       (select pg_catalog.bool_and(entry.has_null_key) from entry) as has_null_key,
       (
         select coalesce(
                  pg_catalog.bool_and(
                    coalesce(pg_catalog.cardinality(entry.keys), -1) = entry.key_count
                    and pg_catalog.array_position(entry.keys, null) is null
                  ),
                  true
                )
           from entry
       ) as is_sound,
       (select pg_catalog.array_send(pg_catalog.array_agg(common.key)) from common) as keys
