-- session-context: what a client's session has set that can change what a statement means (rule S7). Runs on the client's own
-- connection, hidden from it; $1 is the name of a prepared statement, or null. Everything is qualified: the session's
-- search_path is what is being asked for.
--
-- Settings that come from defaults or the server's configuration are the same for every session of the database, so only the
-- others are read. Names that are known not to change any answer are left out on our side.
select pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text as search_path,
       -- Types too: a temporary domain named float8 is what 4.6::float8 means. (Functions and operators are never looked for there.)
       (select pg_catalog.json_agg(t.name)::pg_catalog.text
          from (select c.relname as name
                  from pg_catalog.pg_class as c
                 where c.relnamespace operator(pg_catalog.=) pg_catalog.pg_my_temp_schema()
                 union all
                select y.typname
                  from pg_catalog.pg_type as y
                 where y.typnamespace operator(pg_catalog.=) pg_catalog.pg_my_temp_schema()) as t) as temporary_relations,
       current_user::pg_catalog.text as user_name,
       pg_catalog.current_setting('client_encoding') as client_encoding,
       pg_catalog.current_setting('pcache.mode', true) as mode,
       (select pg_catalog.json_object_agg(s.name, s.setting)::pg_catalog.text
          from pg_catalog.pg_show_all_settings() as s
         where s.source operator(pg_catalog.=) any (array['client', 'session', 'user', 'database', 'database user', 'interactive', 'test']::pg_catalog.text[])
            or s.name operator(pg_catalog.=) any (array['TimeZone', 'DateStyle', 'IntervalStyle', 'standard_conforming_strings', 'extra_float_digits', 'bytea_output']::pg_catalog.text[])
       ) as settings,
       (select p.statement
          from pg_catalog.pg_prepared_statements as p
         where p.name operator(pg_catalog.=) $1::pg_catalog.text) as prepared_text,
       pg_catalog.current_setting('pcache.method', true) as method,
       -- Whether a temporary table can be made outside of a transaction block.
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')
         and not pg_catalog.pg_is_in_recovery()
         and pg_catalog.current_setting('default_transaction_read_only') operator(pg_catalog.=) 'off'
         and pg_catalog.current_setting('default_transaction_isolation') operator(pg_catalog.<>) 'serializable'
         -- They would be told of it, and may do anything. Those that keep track of changes for us know our tables.
         and not exists (select
                           from pg_catalog.pg_event_trigger as t
                          where t.evtenabled operator(pg_catalog.<>) 'D'
                            and t.evtname operator(pg_catalog.!~~) 'pcache%') as can_make_tables,
       pg_catalog.pg_backend_pid() as server_process_id,
       -- An error would be the end of the session, whoever it was meant for.
       pg_catalog.current_setting('exit_on_error') as ends_on_error,
       -- A table has rows then that nobody else sees.
       case when exists (
               select
                 from pg_catalog.pg_class as c
                 join pg_catalog.pg_inherits as i on i.inhrelid operator(pg_catalog.=) c.oid
                 join pg_catalog.pg_class as p on p.oid operator(pg_catalog.=) i.inhparent
                where c.relnamespace operator(pg_catalog.=) pg_catalog.pg_my_temp_schema()
                  and c.relkind operator(pg_catalog.<>) all (array['i', 'I']::pg_catalog."char"[])
                  and p.relnamespace operator(pg_catalog.<>) c.relnamespace) then 'on' end as adds_rows,
       -- They stay what they were when it was prepared, whatever becomes of the columns they are compared with.
       (select pg_catalog.array_to_json(p.parameter_types::pg_catalog.oid[])::pg_catalog.text
          from pg_catalog.pg_prepared_statements as p
         where p.name operator(pg_catalog.=) $1::pg_catalog.text) as prepared_types
