-- populate-entry: compute an entry of backend $2 by the query $1, which gives what the function evaluate returns, and write it whole, in place of the one
-- it has; its keys, of type {type}, go into the column {column}. In the transaction whose snapshot is $6, under a fragment's settings: all is qualified.
-- $3 partition key, $4 hash, $5 fragment, $7 origin; $8 when the run began (milliseconds since 1970), $9 how long it took until now; $10 and $11, if not null,
-- compute_ms and last_used_at (as $8) to be kept; nothing is written of more than $12 rows, of more than $13 bytes, or with a key outside.
-- The change is told with the payload $15 on the channel $14. Its commit waits until the log is written, as what it has seen could be lost otherwise.
with computed as materialized (
  select k.keys, k.key_count, k.has_null_key, k.bytes, k.row_count, k.weight, k.outside
    from "{schema}"."{prefix}evaluate"($1::pg_catalog.text, null::pg_catalog."{type}") as k
),
timed as materialized (
  select c.keys,
         c.key_count,
         c.has_null_key,
         c.bytes,
         c.row_count,
         c.weight,
         c.outside,
         -- In parentheses: all operators written in this way bind alike.
         $9::pg_catalog.float8 operator(pg_catalog.+) (
           pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() operator(pg_catalog.-) pg_catalog.statement_timestamp())
           operator(pg_catalog.*) 1000::pg_catalog.float8
         ) as elapsed_ms
    from computed as c
),
written as (
  insert into "{schema}"."{prefix}entry" as e
         (backend, partition_key, hash, fragment, status, key_count, has_null_key, snapshot, origin,
          created_at, last_used_at, compute_ms, error, failures, bytes, "{column}")
  select $2,
         $3,
         $4::pg_catalog.bytea,
         $5::pg_catalog.jsonb,
         'ok',
         t.key_count,
         t.has_null_key,
         $6::pg_catalog.pg_snapshot,
         $7::pg_catalog.jsonb,
         n.now,
         coalesce(pg_catalog.to_timestamp($11::pg_catalog.float8 operator(pg_catalog./) 1000::pg_catalog.float8), n.now),
         coalesce($10::pg_catalog.float8, t.elapsed_ms),
         null,
         null,
         t.bytes,
         t.keys
    from timed as t
   cross join lateral (
           select pg_catalog.to_timestamp(
                    pg_catalog.floor($8::pg_catalog.float8 operator(pg_catalog.+) t.elapsed_ms)
                    operator(pg_catalog./) 1000::pg_catalog.float8
                  ) as now
         ) as n
   where t.row_count operator(pg_catalog.<=) $12::pg_catalog.int8
     and t.weight operator(pg_catalog.<=) $13::pg_catalog.int8
     and t.outside is null
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
),
told as (
  select pg_catalog.pg_notify($14::pg_catalog.text, $15::pg_catalog.text) from written
)
select t.key_count,
       t.row_count,
       t.weight,
       t.outside,
       (select pg_catalog.count(*) from told)::pg_catalog.int4 as entries,
       pg_catalog.set_config('synchronous_commit', 'local', true) as synchronous_commit
  from timed as t
