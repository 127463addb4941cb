-- touch-entries: note that the entries $3 of partition key $2 of backend $1 were last used at $4, each at its own time.
update "{schema}"."{prefix}entry" as e
   set last_used_at = pg_catalog.to_timestamp(u.at / 1000)
  from rows from (pg_catalog.unnest($3::pg_catalog.bytea[]), pg_catalog.unnest($4::pg_catalog.float8[])) as u (hash, at)
 where e.backend = $1
   and e.partition_key = $2
   and e.hash = u.hash
   and e.last_used_at < pg_catalog.to_timestamp(u.at / 1000)
