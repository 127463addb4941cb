-- catalog-views: of the views named $1 (schemas) and $2 (names), those whose rows depend on nothing but rows of tables, with a
-- digest of all that defines them: the view's own rule, those of the views it reads, and the functions that are not
-- PostgreSQL's own. Read from the parsed rules, for pg_depend does not tell of PostgreSQL's own functions, such as now().
--
-- Names in a rule cannot be taken for what is looked for: blanks and braces are written as '\ ' and '\{' in them. xmin makes
-- each replacement a definition of its own: what was learned while the old one was going is not taken for known when it comes back.
with recursive
reads (root, oid) as (
  select c.oid, c.oid
    from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) as v (schema_name, view_name)
    join pg_catalog.pg_namespace as n on n.nspname = v.schema_name
    join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = v.view_name
   where c.relkind = 'v'
  union
  select reads.root, m.match[1]::pg_catalog.oid
    from reads
    join pg_catalog.pg_rewrite as r on r.ev_class = reads.oid and r.ev_type = '1'
   cross join lateral pg_catalog.regexp_matches(r.ev_action::pg_catalog.text, ' :relid ([1-9][0-9]*)', 'g') as m (match)
),
rule (root, oid, made, tree) as materialized (
  select reads.root, r.ev_class, r.xmin::pg_catalog.text, r.ev_action::pg_catalog.text
    from reads
    join pg_catalog.pg_rewrite as r on r.ev_class = reads.oid and r.ev_type = '1'
),
relation (root, is_usable, text) as (
  select reads.root,
         coalesce(c.oid >= 16384
                  and c.relkind in ('r', 'p', 'm', 'v')
                  and c.relpersistence <> 't'
                  and not c.relrowsecurity
                  and coalesce(pg_catalog.array_to_string(c.reloptions, ','), '') !~ 'security_invoker'
                  and not exists (select from pg_catalog.pg_attribute as a where a.attrelid = c.oid and a.attgenerated = 'v'),
                  false),
         pg_catalog.concat_ws(' ', reads.oid, c.relkind, c.reloptions, case when c.relkind = 'v' then (
           select pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attnum, pg_catalog.quote_ident(a.attname), a.atttypid, a.attcollation),
                                        ',' order by a.attnum)
             from pg_catalog.pg_attribute as a
            where a.attrelid = c.oid and a.attnum > 0) end)
    from reads
    left join pg_catalog.pg_class as c on c.oid = reads.oid
),
-- Anything that is not known to be harmless makes a view one that is left alone. Not here: aggregates, DISTINCT, GROUP BY, ORDER BY,
-- window functions, CTEs, SQLVALUEFUNCTION (current_user), TABLESAMPLECLAUSE, ROWMARKCLAUSE, COERCEVIAIO, functions in FROM.
node (root, is_usable) as (
  select rule.root,
         m.match[1] in ('QUERY', 'RANGETBLENTRY', 'RTE', 'RTEPERMISSIONINFO', 'ALIAS', 'FROMEXPR', 'JOINEXPR', 'RANGETBLREF',
                        'TARGETENTRY', 'SETOPERATIONSTMT', 'VAR', 'CONST', 'OPEXPR', 'DISTINCTEXPR', 'NULLIFEXPR',
                        'SCALARARRAYOPEXPR', 'ARRAYEXPR', 'ARRAY', 'FUNCEXPR', 'BOOLEXPR', 'NULLTEST', 'BOOLEANTEST', 'RELABELTYPE',
                        'CASEEXPR', 'CASE', 'CASEWHEN', 'WHEN', 'CASETESTEXPR', 'COALESCEEXPR', 'COALESCE', 'SUBLINK')
    from rule
   cross join lateral pg_catalog.regexp_matches(rule.tree, '\{([A-Za-z_0-9]*)', 'g') as m (match)
),
-- LIMIT, sets in SELECT, locking, whole rows and system columns, items of FROM besides tables, queries, joins and VALUES, and
-- sub-selects besides EXISTS, ALL, ANY and values.
feature (root, is_usable) as (
  select rule.root,
         rule.tree !~ (' :(limitCount|limitOffset|cteList|rowMarks|groupingSets|havingQual|windowClause|sortClause|distinctClause|groupClause) [^<]'
                       || '| :(hasTargetSRFs|hasForUpdate|hasRecursive|hasModifyingCTE|hasRowSecurity|funcretset|opretset) true'
                       || '| :commandType [^1]| :varattno (0|-)| :rtekind ([^0125]|[0-9]{2})| :subLinkType ([^0124]|[0-9]{2})')
    from rule
),
called (root, oid) as (
  select rule.root, m.match[1]::pg_catalog.oid
    from rule
   cross join lateral pg_catalog.regexp_matches(rule.tree, ' :(?:funcid|opfuncid|hashfuncid|negfuncid) ([1-9][0-9]*)', 'g') as m (match)
  union
  select rule.root, o.oprcode::pg_catalog.oid
    from rule
   cross join lateral pg_catalog.regexp_matches(rule.tree, ' :opno ([1-9][0-9]*)', 'g') as m (match)
    left join pg_catalog.pg_operator as o on o.oid = m.match[1]::pg_catalog.oid
),
-- What a function in SQL or PL/pgSQL calls and reads is not looked into.
function (root, is_usable, text) as (
  select called.root,
         coalesce(p.provolatile = 'i' and p.prokind = 'f' and (p.oid < 16384 or l.lanname = 'c'), false),
         case when p.oid >= 16384 then pg_catalog.concat_ws(' ', p.oid, p.xmin, p.prosrc, p.probin) end
    from called
    left join pg_catalog.pg_proc as p on p.oid = called.oid
    left join pg_catalog.pg_language as l on l.oid = p.prolang
),
part (root, is_usable, text) as (
  select root, is_usable, 'relation ' || text from relation
  union all
  select root, is_usable, 'function ' || text from function
  union all
  select root, is_usable, null from node
  union all
  select root, is_usable, null from feature
  union all
  select root, true, pg_catalog.concat_ws(' ', 'rule', oid, made, tree) from rule
)
select part.root as oid, pg_catalog.md5(pg_catalog.string_agg(part.text, E'\n' order by part.text collate "C")) as definition
  from part
 group by part.root
having pg_catalog.bool_and(part.is_usable)
   and pg_catalog.count(*) filter (where part.text like 'rule %') > 0
