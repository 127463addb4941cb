-- touch-entries: note uses of the entries $3 of partition key $2 of backend $1: the last one at $4, $5 of them, $6 milliseconds saved.
update "{schema}"."{prefix}entry" as e
   set last_used_at = greatest(e.last_used_at, pg_catalog.to_timestamp(u.at / 1000)),
       uses = e.uses + u.uses,
       saved_ms = e.saved_ms + u.saved_ms
  from rows from (
         pg_catalog.unnest($3::pg_catalog.bytea[]),
         pg_catalog.unnest($4::pg_catalog.float8[]),
         pg_catalog.unnest($5::pg_catalog.int8[]),
         pg_catalog.unnest($6::pg_catalog.float8[])
       ) as u (hash, at, uses, saved_ms)
 where e.backend = $1
   and e.partition_key = $2
   and e.hash = u.hash
