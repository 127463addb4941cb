-- catalog-operators: all operators that have a function, with that function's volatility.
select o.oid, n.nspname, o.oprname, o.oprleft, o.oprright, o.oprresult, p.provolatile,
       p.oid >= 16384
         and p.prolang not in (select l.oid from pg_catalog.pg_language as l where l.lanname in ('internal', 'c'))
         and not (p.provolatile = 'i' and p.oid in (
           select d.objid from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.deptype = 'e')) as is_script
  from pg_catalog.pg_operator as o
  join pg_catalog.pg_namespace as n on n.oid = o.oprnamespace
  join pg_catalog.pg_proc as p on p.oid = o.oprcode
