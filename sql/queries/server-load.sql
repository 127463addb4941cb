-- server-load: connections of clients that are running a statement, those of pcache left out, how many connections there are of which this role
-- may not see what they do (it takes pg_read_all_stats for other roles'), and how far the slowest standby is behind.
select (select pg_catalog.count(*)::pg_catalog.int4
          from pg_catalog.pg_stat_activity as a
         where a.backend_type operator(pg_catalog.=) 'client backend'
           and a.state operator(pg_catalog.=) 'active'
           and a.application_name operator(pg_catalog.<>) 'pcache') as active,
       (select pg_catalog.count(*)::pg_catalog.int4
          from pg_catalog.pg_stat_activity as a
         where a.backend_type is null) as hidden,
       (select (pg_catalog.date_part('epoch', pg_catalog.max(r.replay_lag)) operator(pg_catalog.*) 1000)::pg_catalog.float8
          from pg_catalog.pg_stat_replication as r) as lag_ms
