-- catalog-types: all types, with what is needed to tell whether a constant of the type always means the same.
select t.oid,
       n.nspname,
       t.typname,
       t.typtype,
       coalesce(e.oid, 0) as element_oid,
       t.typbasetype,
       coalesce(r.rngsubtype, m.rngtypid, 0) as part_oid,
       t.typcategory,
       t.typispreferred,
       -- A domain's check may call anything.
       case when t.typtype = 'd' and (d.typtype = 'd' or exists (
                   select from pg_catalog.pg_constraint as k where k.contypid = t.oid and k.contype = 'c'))
            then 'v' else i.provolatile end as input_volatility,
       o.provolatile as output_volatility
  from pg_catalog.pg_type as t
  join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
  join pg_catalog.pg_proc as i on i.oid = t.typinput
  join pg_catalog.pg_proc as o on o.oid = t.typoutput
  left join pg_catalog.pg_type as e on e.typarray = t.oid
  left join pg_catalog.pg_type as d on d.oid = t.typbasetype
  left join pg_catalog.pg_range as r on r.rngtypid = t.oid
  left join pg_catalog.pg_range as m on m.rngmultitypid = t.oid
