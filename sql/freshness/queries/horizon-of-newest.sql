-- horizon-of-newest: a horizon for compact-log.sql where nobody knows of an older entry: it leaves about the $1 newest changes of each
-- log. Entries that have not seen the others become unusable, and are made again.
select coalesce(pg_catalog.max(h.xid::pg_catalog.text::pg_catalog.numeric)::pg_catalog.text, '0') as horizon
  from ((select c.xid from "{schema}".change_integer as c order by c.xid desc offset $1 limit 1)
        union all (select c.xid from "{schema}".change_float as c order by c.xid desc offset $1 limit 1)
        union all (select c.xid from "{schema}".change_text as c order by c.xid desc offset $1 limit 1)
        union all (select c.xid from "{schema}".change_date as c order by c.xid desc offset $1 limit 1)
        union all (select c.xid from "{schema}".change_timestamp as c order by c.xid desc offset $1 limit 1)
        union all (select c.xid from "{schema}".change_timestamptz as c order by c.xid desc offset $1 limit 1)
        union all (select c.xid from "{schema}".change_whole as c where c.xid < '18446744073709551615'::pg_catalog.xid8 order by c.xid desc offset $1 limit 1)) as h (xid)
