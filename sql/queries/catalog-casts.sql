-- catalog-casts: all casts between types. One that goes through the types' text forms counts as stable here: whether it is
-- immutable is told from the types' own functions.
select c.castsource,
       c.casttarget,
       c.castcontext,
       case c.castmethod when 'b' then 'i' when 'f' then p.provolatile else 's' end as volatility,
       c.castmethod = 'b' as is_binary,
       coalesce(p.oid >= 16384
         and p.prolang not in (select l.oid from pg_catalog.pg_language as l where l.lanname in ('internal', 'c'))
         and not (p.provolatile = 'i' and p.oid in (
           select d.objid from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.deptype = 'e')), false) as is_script
  from pg_catalog.pg_cast as c
  left join pg_catalog.pg_proc as p on p.oid = c.castfunc
