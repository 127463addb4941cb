-- 0003-ddl: what event triggers call, and of which relations. They are made by install-event-triggers.sql, for only a superuser may make one.
-- breaking: no

-- The relation, all that is below it, and all that is above any of those: a child may have another parent, and a statement on that one changes its
-- rows. Temporary relations of other sessions are out of reach.
create or replace function "{schema}".tree_of(of_relation oid) returns table (relation oid, relkind "char")
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive
  below (relation) as (
    select of_relation
    union
    select i.inhrelid from below as b join pg_inherits as i on i.inhparent = b.relation
  ),
  tree (relation) as (
    select b.relation from below as b
    union
    select i.inhparent from tree as t join pg_inherits as i on i.inhrelid = t.relation
  )
  select c.oid, c.relkind
    from tree as t
    join pg_class as c on c.oid = t.relation
   where c.relpersistence <> 't' or c.relnamespace = pg_my_temp_schema()
$$;

create or replace function "{schema}".on_ddl() returns event_trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  s integer;
begin
  if exists (select from "{schema}".mending as m where m.xid = pg_current_xact_id()) then
    return;
  end if;
  -- Those change neither rows nor what a name stands for.
  if tg_tag ~ '(INDEX|STATISTICS|PUBLICATION|SUBSCRIPTION|PRIVILEGES|MATERIALIZED VIEW)$' and tg_tag not like 'CREATE MATERIALIZED%'
     or tg_tag in ('COMMENT', 'SECURITY LABEL', 'REINDEX') then
    return;
  end if;
  -- A role that may read some columns of a table only may not be able to read its key; a schema that may be used hides tables of others.
  if tg_tag in ('GRANT', 'REVOKE')
     and not exists (select from pg_event_trigger_ddl_commands() as d where d.object_type in ('TABLE', 'SCHEMA')) then
    return;
  end if;
  -- Temporary ones are nobody else's, and every proxy asks a session for its own.
  if exists (select
               from pg_event_trigger_ddl_commands() as d
              where d.schema_name is distinct from 'pg_temp'
                and d.schema_name is distinct from (select n.nspname
                                                      from pg_class as c
                                                      join pg_namespace as n on n.oid = c.relnamespace
                                                     where c.oid = '"{schema}".tracking'::regclass)) then
    perform "{schema}".note_catalog_change();
    -- It may be part of what a condition means, or stand before what was: a condition names functions and operators as the client did.
    if tg_tag !~ '(TABLE|TABLE AS|SELECT INTO|VIEW|SEQUENCE|TRIGGER|RULE|POLICY|FOREIGN SCHEMA|SERVER|USER MAPPING|WRAPPER|LARGE OBJECT|ACCESS METHOD)$'
       and tg_tag not in ('CREATE SCHEMA', 'GRANT', 'REVOKE') then
      perform "{schema}".note_whole(x.id, lower(tg_tag)) from "{schema}".source as x;
    end if;
  end if;
  if tg_tag not in ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
                    'IMPORT FOREIGN SCHEMA', 'ALTER TRIGGER') then
    return;
  end if;
  for s in
    select distinct n.source
      from pg_event_trigger_ddl_commands() as d
      left join pg_trigger as t on d.classid = 'pg_trigger'::regclass and t.oid = d.objid
     cross join lateral "{schema}".sources_near(case when d.classid = 'pg_class'::regclass then d.objid else t.tgrelid end) as n (source)
     where d.classid in ('pg_class'::regclass, 'pg_trigger'::regclass)
  loop
    if tg_tag not in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA') then
      perform "{schema}".note_whole(s, lower(tg_tag));
    end if;
    perform "{schema}".mend(s);
    perform "{schema}".remember(s);
  end loop;
exception when others then
  raise warning 'pcache cannot track tables after %: %', tg_tag, sqlerrm;
  perform "{schema}".distrust(x.id, format('after %s: %s', lower(tg_tag), sqlerrm)) from "{schema}".source as x;
end
$$;

create or replace function "{schema}".on_drop() returns event_trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  s integer;
begin
  if exists (select from pg_event_trigger_dropped_objects() as d
              where not d.is_temporary and d.object_type not in ('index', 'trigger', 'statistics object', 'policy', 'default value', 'toast table')) then
    perform "{schema}".note_catalog_change();
  end if;
  -- Without it, a name may mean the next one of the search path. (What is made in its place is noted then.)
  if exists (select from pg_event_trigger_dropped_objects() as d
              where not d.is_temporary
                and d.classid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_cast'::regclass, 'pg_collation'::regclass, 'pg_conversion'::regclass,
                                  'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_language'::regclass, 'pg_ts_config'::regclass, 'pg_ts_dict'::regclass)
                and d.schema_name is distinct from (select n.nspname
                                                      from pg_class as c
                                                      join pg_namespace as n on n.oid = c.relnamespace
                                                     where c.oid = '"{schema}".tracking'::regclass)) then
    perform "{schema}".note_whole(x.id, lower(tg_tag)) from "{schema}".source as x;
  end if;
  for s in
    select distinct r.source
      from pg_event_trigger_dropped_objects() as d
      join "{schema}".tracked_relation as r on r.relation = d.objid
     where d.classid = 'pg_class'::regclass
  loop
    perform "{schema}".note_whole(s, lower(tg_tag));
    perform "{schema}".distrust(x.id, 'the table is gone') from "{schema}".source as x
     where x.id = s and not exists (select from pg_class as c where c.oid = x.relation);
    delete from "{schema}".tracked_relation as r where r.source = s and not exists (select from pg_class as c where c.oid = r.relation);
  end loop;
  if exists (select from pg_event_trigger_dropped_objects() as d
              where d.classid in ('pg_trigger'::regclass, 'pg_proc'::regclass) and d.object_identity ~ '(^|\m)(pcache|note)_[0-9]+') then
    for s in
      select x.id from "{schema}".source as x
       where exists (select from pg_class as c where c.oid = x.relation)
         and exists (select from "{schema}".trigger_problem as p where p.source = x.id)
    loop
      perform "{schema}".note_whole(s, lower(tg_tag));
      perform "{schema}".mend(s);
      perform "{schema}".remember(s);
    end loop;
  end if;
exception when others then
  raise warning 'pcache cannot track tables after %: %', tg_tag, sqlerrm;
  perform "{schema}".distrust(x.id, format('after %s: %s', lower(tg_tag), sqlerrm)) from "{schema}".source as x;
end
$$;

revoke all on function "{schema}".on_ddl() from public;
revoke all on function "{schema}".on_drop() from public;
