-- list-sources: what is tracked, and what is wrong with it; the first few things, for a table of 1,000 partitions has thousands.
select s.id,
       s.schema_name,
       s.table_name,
       s.key_column,
       s.element,
       s.installed_at,
       s.installed_by,
       n.nspname as schema_now,
       c.relname as table_now,
       (select pg_catalog.count(*)::pg_catalog.int4 from "{schema}".tree_of(s.relation)) as relations,
       array(select pg_catalog.format('trigger %s on %s is %s', p.name, p.relation::pg_catalog.regclass, p.problem)
               from "{schema}".trigger_problem as p
              where p.source = s.id
              order by p.relation, p.name
              limit 5) as problems,
       (select pg_catalog.count(*)::pg_catalog.int4 from "{schema}".trigger_problem as p where p.source = s.id) as problem_count,
       array(select w.reason
               from "{schema}".change_whole as w
              where w.source = s.id
                and w.xid = '18446744073709551615'::pg_catalog.xid8) as distrust,
       s.fingerprint is distinct from "{schema}".fingerprint_of(s.id) as is_changed
  from "{schema}".source as s
  left join pg_catalog.pg_class as c on c.oid = s.relation
  left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 order by s.schema_name, s.table_name, s.key_column
