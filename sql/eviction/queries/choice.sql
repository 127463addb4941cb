-- choice: what a run over backend $1 would evict.
select h.partition_key,
       pg_catalog.encode(h.hash, 'hex') as hash,
       h.reason,
       h.bytes,
       (extract(epoch from h.last_use) * 1000)::double precision as last_use
  from "{schema}"."{prefix}eviction_choice"($1, pg_catalog.now()) as h
