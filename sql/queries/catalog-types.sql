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
       -- As far as its parse tree shows: nodes that call no more than the functions they name, all PostgreSQL's own, none volatile. A blank or brace in
       -- a constant is a number there.
       t.typtype = 'd' and d.typtype <> 'd' and not exists (
         select from pg_catalog.pg_constraint as k
          cross join lateral pg_catalog.regexp_matches(
                  k.conbin::pg_catalog.text, '\{([A-Za-z_0-9]*)| :(?:funcid|opfuncid) ([1-9][0-9]*)| :opno ([1-9][0-9]*)', 'g') as m (match)
           left join pg_catalog.pg_operator as q on q.oid = m.match[3]::pg_catalog.oid
           left join pg_catalog.pg_proc as p on p.oid = coalesce(m.match[2]::pg_catalog.oid, q.oprcode) and p.oid < 16384
          where k.contypid = t.oid
            and k.contype = 'c'
            and case when m.match[1] is null then coalesce(p.provolatile, 'v') = 'v'
                     else m.match[1] not in ('OPEXPR', 'FUNCEXPR', 'CONST', 'COERCETODOMAINVALUE', 'BOOLEXPR', 'NULLTEST', 'BOOLEANTEST',
                                             'SCALARARRAYOPEXPR', 'ARRAYEXPR', 'ARRAY', 'RELABELTYPE') end)
         as has_quiet_checks,
       o.provolatile as output_volatility
  from pg_catalog.pg_type as t
  join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
  join pg_catalog.pg_proc as i on i.oid = t.typinput
  join pg_catalog.pg_proc as o on o.oid = t.typoutput
  left join pg_catalog.pg_type as e on e.typarray = t.oid
  left join pg_catalog.pg_type as d on d.oid = t.typbasetype
  left join pg_catalog.pg_range as r on r.rngtypid = t.oid
  left join pg_catalog.pg_range as m on m.rngmultitypid = t.oid
