-- log-state: how many changes the logs hold, the transaction of the oldest (NULL: there is none), and the next one there will be.
select (select pg_catalog.count(*) from (select from "{schema}".change_integer
                                         union all select from "{schema}".change_float
                                         union all select from "{schema}".change_text
                                         union all select from "{schema}".change_date
                                         union all select from "{schema}".change_timestamp
                                         union all select from "{schema}".change_timestamptz
                                         union all select from "{schema}".change_whole) as c)::pg_catalog.text as changes,
       (select pg_catalog.min(o.xid::pg_catalog.text::pg_catalog.numeric)::pg_catalog.text
          from ((select c.xid from "{schema}".change_integer as c order by c.xid limit 1)
                union all (select c.xid from "{schema}".change_float as c order by c.xid limit 1)
                union all (select c.xid from "{schema}".change_text as c order by c.xid limit 1)
                union all (select c.xid from "{schema}".change_date as c order by c.xid limit 1)
                union all (select c.xid from "{schema}".change_timestamp as c order by c.xid limit 1)
                union all (select c.xid from "{schema}".change_timestamptz as c order by c.xid limit 1)
                union all (select c.xid from "{schema}".change_whole as c where c.xid < '18446744073709551615'::pg_catalog.xid8 order by c.xid limit 1)) as o (xid)) as oldest,
       pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text as next
