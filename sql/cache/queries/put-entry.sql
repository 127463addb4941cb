-- put-entry: write an entry of backend $1 whole, in place of the one it has; its keys go into the column {column}.
-- The change is told with the payload $18 on the channel $17. Fails with 23503 if the partition key is not registered (any more).
with written as (
  insert into "{schema}"."{prefix}entry"
         (backend, partition_key, hash, fragment, status, key_count, has_null_key, snapshot, origin,
          created_at, last_used_at, compute_ms, error, failures, bytes, "{column}")
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9,
          pg_catalog.to_timestamp($10::pg_catalog.float8 / 1000), pg_catalog.to_timestamp($11::pg_catalog.float8 / 1000),
          $12, $13, $14, $15, $16)
  on conflict (backend, partition_key, hash) do update
     set fragment = excluded.fragment,
         status = excluded.status,
         key_count = excluded.key_count,
         has_null_key = excluded.has_null_key,
         snapshot = excluded.snapshot,
         origin = excluded.origin,
         created_at = excluded.created_at,
         last_used_at = excluded.last_used_at,
         compute_ms = excluded.compute_ms,
         error = excluded.error,
         failures = excluded.failures,
         bytes = excluded.bytes,
         "{column}" = excluded."{column}"
  returning 1
)
select pg_catalog.pg_notify($17, $18) from written
