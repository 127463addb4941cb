-- catalog-functions: all functions, with what overload resolution and rule S5 (volatility) need.
select p.oid,
       n.nspname,
       p.proname,
       p.prokind,
       p.proargtypes::pg_catalog.text as argument_oids,
       p.pronargdefaults,
       p.provariadic <> 0 as is_variadic,
       p.proretset,
       p.prorettype,
       p.provolatile
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
