-- push-work: add work for source $1, or raise its priority. $2: hashes, $3: queries, $4: partition keys, $5: datatypes, $6: work, $7: priorities, each
-- hash once; $8: channel to tell of it. In the order of hashes, as everything that locks several rows here, so that two never wait for each other.
with pushed as (
  insert into "{schema}"."{prefix}{queue}" as q (source, query, hash, partition_key, partition_datatype, work, priority, ordinal)
  select $1, r.query, r.hash, r.partition_key, r.datatype, r.work, r.priority, r.ordinal
  from rows from (
    pg_catalog.unnest($2::bytea[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::text[]),
    pg_catalog.unnest($6::jsonb[]), pg_catalog.unnest($7::double precision[])
  ) with ordinality as r (hash, query, partition_key, datatype, work, priority, ordinal)
  order by r.hash
  on conflict (source, hash) do update
    set priority = q.priority + excluded.priority, updated_at = pg_catalog.now()
  returning q.hash, q.xmax = 0 as is_new
),
revived as (
  delete from "{schema}"."{prefix}{queue}_dead" as d
  where d.source = $1 and d.hash = any ($2::bytea[])
)
select pg_catalog.encode(pushed.hash, 'hex') as hash, pushed.is_new, pg_catalog.pg_notify($8, '') as told
from pushed
