-- catalog-functions: all functions, with what overload resolution and rule S5 (volatility) need.
select p.oid,
       n.nspname,
       p.proname,
       p.prokind,
       p.proargtypes::pg_catalog.text as argument_oids,
       p.pronargdefaults,
       p.provariadic,
       p.proretset,
       p.prorettype,
       -- An aggregate counts as immutable in pg_proc, whatever it calls.
       case when p.prokind = 'a' and exists (
                   select
                     from pg_catalog.pg_aggregate as a
                     join pg_catalog.pg_proc as f
                       on f.oid in (a.aggtransfn, a.aggfinalfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
                    where a.aggfnoid = p.oid and f.provolatile = 'v')
            then 'v'
            -- One that says it changes nothing, and changes settings (rule S7).
            when p.oid >= 16384 and p.provolatile <> 'v' and p.prokind = 'f'
                 and (p.prosrc ~* 'set_config' or p.prosrc = '' and pg_catalog.pg_get_functiondef(p.oid) ~* 'set_config')
            then 'v'
            else p.provolatile end as provolatile,
       p.oid >= 16384
         and p.prolang not in (select l.oid from pg_catalog.pg_language as l where l.lanname in ('internal', 'c'))
         and not (p.provolatile = 'i' and p.oid in (
           select d.objid from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.deptype = 'e')) as is_script
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
