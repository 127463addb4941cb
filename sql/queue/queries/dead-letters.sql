-- dead-letters: the latest $2 for source $1, latest first.
select d.query, d.partition_key, d.reason,
  (pg_catalog.date_part('epoch', d.buried_at) * 1000)::double precision as buried_at
from "{schema}"."{prefix}{queue}_dead" as d
where d.source = $1
order by d.buried_at desc
limit $2
