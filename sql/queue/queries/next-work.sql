-- next-work: in how many milliseconds the next work for source $1 can be claimed; NULL: there is none.
select (pg_catalog.date_part('epoch', pg_catalog.min(q.run_at) - pg_catalog.statement_timestamp()) * 1000)::double precision as next_in_ms
from "{schema}"."{prefix}{queue}" as q
where q.source = $1
