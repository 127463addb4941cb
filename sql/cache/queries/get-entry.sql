-- get-entry: entry $3 of partition key $2 of backend $1, with its keys in the binary form of their type.
select pg_catalog.encode(e.hash, 'hex') as hash,
       e.fragment::pg_catalog.text as fragment,
       e.status,
       e.key_count,
       e.has_null_key,
       e.snapshot::pg_catalog.text as snapshot,
       e.origin::pg_catalog.text as origin,
       extract(epoch from e.created_at) * 1000 as created_at,
       extract(epoch from e.last_used_at) * 1000 as last_used_at,
       e.compute_ms,
       e.error,
       e.failures,
       e.bytes,
       e.uses,
       e.saved_ms,
       coalesce(
         pg_catalog.array_send(e.integers),
         pg_catalog.array_send(e.floats),
         pg_catalog.array_send(e.texts),
         pg_catalog.array_send(e.timestamps),
         pg_catalog.varbit_send(e.bits),
         e.roaring
       ) as keys
  from "{schema}"."{prefix}entry" as e
 where e.backend = $1 and e.partition_key = $2 and e.hash = $3
