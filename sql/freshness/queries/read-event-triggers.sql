-- read-event-triggers: whether DDL is noticed in its own transaction, and whether this role could see to it. $1: the schema.
select coalesce((select pg_catalog.bool_and(e.evtenabled = 'A') and pg_catalog.count(*) = 2
                   from pg_catalog.pg_event_trigger as e
                  where e.evtname in ($1 || '_ddl', $1 || '_drop')), false)
         and coalesce(pg_catalog.current_setting('event_triggers', true), 'on') <> 'off' as is_watching,
       (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user) as may_watch
