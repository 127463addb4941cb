-- unusable-schema: one of the schemas of the search_path $1, written with every name in double quotes, that this role may not use: the server
-- passes over it, and finds what has the names of its functions and operators further on.
select n.nspname as name
  from pg_catalog.pg_namespace as n
 where pg_catalog.strpos(pg_catalog.concat(', ', $1::pg_catalog.text, ', '),
                         pg_catalog.concat(', ', pg_catalog.chr(34), pg_catalog.replace(n.nspname::pg_catalog.text, pg_catalog.chr(34), pg_catalog.repeat(pg_catalog.chr(34), 2)), pg_catalog.chr(34), ', ')) operator(pg_catalog.>) 0
   and not pg_catalog.has_schema_privilege(n.oid, 'usage')
   and (exists (select from pg_catalog.pg_proc as p where p.pronamespace operator(pg_catalog.=) n.oid)
        or exists (select from pg_catalog.pg_operator as o where o.oprnamespace operator(pg_catalog.=) n.oid))
 limit 1
