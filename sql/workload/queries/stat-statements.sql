-- stat-statements: what pg_stat_statements has of this database, at most $1 statements, those that took most time in all first.
select s.query, pg_catalog.sum(s.calls) as calls
  from pg_stat_statements as s
 where s.dbid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
   and s.query ~* '^\s*(select|with)\M'
 group by s.query
 order by pg_catalog.sum(s.total_exec_time) desc
 limit $1
