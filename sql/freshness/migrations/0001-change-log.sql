-- 0001-change-log: what changed in tracked tables, and the functions that clients' statements ask.
-- breaking: yes
--
-- "{schema}" stands for the configured schema. Functions that clients call, and triggers, run as the owner of the schema, with a
-- search_path of their own: whoever may write a tracked table may write the log through them, and only so.

create table "{schema}".tracking (
  is_only boolean not null default true,
  -- What entries were made under. Another one, another history.
  epoch uuid not null default gen_random_uuid(),
  -- This table and this database when tracking was set up. A dump restored elsewhere brings the row along, but not the numbers.
  made_as oid not null,
  made_in oid not null,
  -- Changes of older transactions may have been removed: an entry that has not seen all of those cannot be used.
  compacted_before xid8 not null default '0',
  -- The same for changes of the catalog.
  catalog_compacted_before xid8 not null default '0',
  constraint tracking_once primary key (is_only),
  constraint tracking_one_row check (is_only)
);

insert into "{schema}".tracking (made_as, made_in)
select '"{schema}".tracking'::regclass, d.oid from pg_database as d where d.datname = current_database();

-- A table that is tracked for a key. Its number is never used again: a table made anew under the same name is another source.
create table "{schema}".source (
  id integer generated always as identity,
  relation oid not null,
  -- As it was called when it was installed.
  schema_name name not null,
  table_name name not null,
  -- NULL: it has no key, and any write may change anything.
  key_column name,
  key_type oid,
  element text,
  fingerprint text,
  installed_at timestamptz not null default now(),
  installed_by name not null default session_user,
  constraint source_once primary key (id),
  constraint source_of_one_column unique nulls not distinct (relation, key_column),
  constraint source_known_element check (element in ('integer', 'float', 'text', 'date', 'timestamp', 'timestamptz'))
);

-- The relations whose triggers write for a source: itself, what is below it, and what is above it (a statement on the parent
-- changes the children, and fires no trigger of theirs).
create table "{schema}".tracked_relation (
  source integer not null references "{schema}".source (id) on delete cascade,
  relation oid not null,
  constraint tracked_relation_once primary key (source, relation)
);
create index tracked_relation_by_relation on "{schema}".tracked_relation (relation);

-- Transactions that are making or mending triggers at this moment: the event trigger has nothing to say of what they do.
create table "{schema}".mending (xid xid8 not null default pg_current_xact_id());

-- The logs, one for each family of types that are comparable without a cast. key is NULL where a row without key changed. It is in no
-- index: a text of 3,000 bytes would be an error there, and writers must not fail. xid is that of the writer's top transaction.
create table "{schema}".change_integer (source integer not null, xid xid8 not null default pg_current_xact_id(), key bigint);
create table "{schema}".change_float (source integer not null, xid xid8 not null default pg_current_xact_id(), key double precision);
create table "{schema}".change_text (source integer not null, xid xid8 not null default pg_current_xact_id(), key text);
create table "{schema}".change_date (source integer not null, xid xid8 not null default pg_current_xact_id(), key date);
create table "{schema}".change_timestamp (source integer not null, xid xid8 not null default pg_current_xact_id(), key timestamp);
create table "{schema}".change_timestamptz (source integer not null, xid xid8 not null default pg_current_xact_id(), key timestamptz);
-- Changes after which every key is uncertain. A row with the highest xid is seen by nobody: the source cannot be relied on until it goes.
create table "{schema}".change_whole (source integer not null, xid xid8 not null default pg_current_xact_id(), reason text not null);

-- Transactions that changed what statements may mean: a table that hides another one, a column, a function. What a proxy made of a statement
-- holds while its reading of the catalog has seen all of them.
create table "{schema}".change_catalog (xid xid8 not null default pg_current_xact_id());
create index on "{schema}".change_catalog (xid);
-- Another number after each of them, for all to see at once: DDL takes effect in snapshots that are older than it, which do not see that row.
create sequence "{schema}".catalog_version minvalue 0;

-- Truncation by VACUUM takes a lock that readers wait for, and that cancels them on a standby.
do $$
declare
  log text;
begin
  foreach log in array array['integer', 'float', 'text', 'date', 'timestamp', 'timestamptz', 'whole'] loop
    execute format('create index on "{schema}".change_%s (source, xid)', log);
    execute format('alter table "{schema}".change_%s set (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0,'
                   ' autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_threshold = 10000, autovacuum_vacuum_insert_scale_factor = 0)', log);
  end loop;
end
$$;

-- ---------------------------------------------------------------------------------------------------------------------------------
-- What clients' statements ask.

-- Whose transaction numbers these are. A promoted standby counts on another timeline. What a standby has replayed is only surely
-- a part of its own future, so that its entries are its own, until it is started again.
create function "{schema}".server() returns text
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if pg_is_in_recovery() then
    return 'standby ' || extract(epoch from pg_postmaster_start_time())::text;
  end if;
  return 'timeline ' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8);
end
$$;

-- The snapshot of the statement, for an entry to be stamped with. A standby's snapshot does not list the transactions in progress
-- (pg_current_snapshot() gives xmin:xmax: there, as if all of them were over), so it is cut off at the oldest of them.
create function "{schema}".safe_snapshot() returns pg_snapshot
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  seen pg_snapshot := pg_current_snapshot();
begin
  if "{schema}".hides_transactions(seen) then
    return format('%s:%s:', pg_snapshot_xmin(seen), pg_snapshot_xmin(seen))::pg_snapshot;
  end if;
  return seen;
end
$$;

-- Whether a snapshot was taken during recovery: the oldest transaction in progress is not in its list, and it is not our own.
create function "{schema}".hides_transactions(seen pg_snapshot) returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return pg_snapshot_xmin(seen) < pg_snapshot_xmax(seen)
     and pg_visible_in_snapshot(pg_snapshot_xmin(seen), seen)
     and (pg_is_in_recovery() or pg_snapshot_xmin(seen) is distinct from pg_current_xact_id_if_assigned());
end
$$;

-- Whether an entry can say nothing in this statement's snapshot, so that every key must be let through (rule F4). seen: what all entries
-- in use have seen; known: what any of them has seen; sources: tables tied by the key; reads: tables read in sub-selects, of which any
-- change counts.
create function "{schema}".unusable(seen pg_snapshot, known pg_snapshot, sources integer[], reads integer[], of_epoch uuid, of_server text)
returns boolean
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  mine constant pg_snapshot := pg_current_snapshot();
begin
  if of_server is distinct from "{schema}".server() then
    return true;
  end if;
  -- Something the entry has seen is not visible here.
  if pg_snapshot_xmax(known) > pg_snapshot_xmin(mine) then
    if pg_snapshot_xmax(known) > pg_snapshot_xmax(mine)
       or "{schema}".hides_transactions(mine)
       or exists (select from pg_snapshot_xip(mine) as x (xid) where pg_visible_in_snapshot(x.xid, known)) then
      return true;
    end if;
  end if;
  if not exists (select
                   from "{schema}".tracking as t
                  where t.epoch = of_epoch
                    and t.tableoid = t.made_as
                    and t.made_in = (select d.oid from pg_database as d where d.datname = current_database())
                    and t.compacted_before <= pg_snapshot_xmin(seen)) then
    return true;
  end if;
  if exists (select
               from "{schema}".change_whole as c
              where c.source = any (sources || reads)
                and c.xid >= pg_snapshot_xmin(seen)
                and not pg_visible_in_snapshot(c.xid, seen)) then
    return true;
  end if;
  if cardinality(reads) = 0 then
    return false;
  end if;
  return exists (select from "{schema}".change_integer as c
                  where c.source = any (reads) and c.xid >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(c.xid, seen))
      or exists (select from "{schema}".change_float as c
                  where c.source = any (reads) and c.xid >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(c.xid, seen))
      or exists (select from "{schema}".change_text as c
                  where c.source = any (reads) and c.xid >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(c.xid, seen))
      or exists (select from "{schema}".change_date as c
                  where c.source = any (reads) and c.xid >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(c.xid, seen))
      or exists (select from "{schema}".change_timestamp as c
                  where c.source = any (reads) and c.xid >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(c.xid, seen))
      or exists (select from "{schema}".change_timestamptz as c
                  where c.source = any (reads) and c.xid >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(c.xid, seen));
end
$$;

-- Whether the catalog is not any more what somebody read in that snapshot, at that version, as far as event triggers notice.
create function "{schema}".catalog_changed(read pg_snapshot, at_version bigint) returns boolean
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select v.last_value from "{schema}".catalog_version as v) <> at_version
      -- Nobody can tell there what is under way on the primary.
      or pg_is_in_recovery() and current_setting('transaction_isolation') <> 'read committed'
      or exists (select from "{schema}".tracking as t where t.catalog_compacted_before > pg_snapshot_xmin(read))
      or exists (select
                   from "{schema}".change_catalog as c
                  where c.xid >= pg_snapshot_xmin(read)
                    and not pg_visible_in_snapshot(c.xid, read));
end
$$;

-- What transactions with DDL hold a shared advisory lock on.
create function "{schema}".catalog_lock() returns bigint
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select hashtextextended('"{schema}".change_catalog', 0)
$$;

-- Keys changed by transactions that a snapshot has not seen, those of the asking transaction among them (rule F3). One function for
-- each log, so that none needs a plan of its own for each call.
do $$
declare
  log text;
  type text;
begin
  for log, type in values ('integer', 'int8'), ('float', 'float8'), ('text', 'text'), ('date', 'date'),
                          ('timestamp', 'timestamp'), ('timestamptz', 'timestamptz') loop
    execute format($function$
      create function "{schema}".changed_%s(seen pg_snapshot, sources integer[]) returns setof %s
      language plpgsql stable parallel safe security definer rows 10
      set search_path = pg_catalog, pg_temp
      as $body$
      begin
        return query
        select distinct c.key
          from "{schema}".change_%s as c
         where c.source = any (sources)
           and c.xid >= pg_snapshot_xmin(seen)
           and not pg_visible_in_snapshot(c.xid, seen)
           and c.key is not null;
      end
      $body$
      $function$, log, type, log);
  end loop;
end
$$;

-- ---------------------------------------------------------------------------------------------------------------------------------
-- Tracking tables.

-- The relation, all that is below it, and all that is above it (0003-ddl.sql knows more). Temporary relations of other sessions are out of reach.
create function "{schema}".tree_of(of_relation oid) returns table (relation oid, relkind "char")
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive
  below (relation) as (
    select of_relation
    union
    select i.inhrelid from below as b join pg_inherits as i on i.inhparent = b.relation
  ),
  above (relation) as (
    select of_relation
    union
    select i.inhparent from above as a join pg_inherits as i on i.inhrelid = a.relation
  )
  select c.oid, c.relkind
    from (select b.relation from below as b union select a.relation from above as a) as t
    join pg_class as c on c.oid = t.relation
   where c.relpersistence <> 't' or c.relnamespace = pg_my_temp_schema()
$$;

-- The triggers a source must have. Statement triggers fire whatever session_replication_role is. The apply worker of a subscription fires
-- none of those for rows (manual, "Logical Replication", Architecture), but row triggers: that one is for it, and for nobody else.
create view "{schema}".wanted_trigger as
select s.id as source,
       t.relation,
       format('pcache_%s_%s', s.id, e.event)::name as name,
       e.type,
       e.enabled,
       e.clause
  from "{schema}".source as s
 cross join lateral "{schema}".tree_of(s.relation) as t
 cross join (values ('insert', 4, 'A', 'after insert on %s referencing new table as new_rows for each statement'),
                    ('update', 16, 'A', 'after update on %s referencing old table as old_rows new table as new_rows for each statement'),
                    ('delete', 8, 'A', 'after delete on %s referencing old table as old_rows for each statement'),
                    ('truncate', 32, 'A', 'after truncate on %s for each statement'),
                    ('replica', 29, 'R', 'after insert or update or delete on %s for each row')) as e (event, type, enabled, clause)
 where t.relkind in ('r', 'p')
   and (e.event <> 'replica' or t.relkind = 'r');

-- What is wrong with the tracking of sources: as it is now, whoever did it.
create view "{schema}".trigger_problem as
select w.source,
       w.relation,
       w.name,
       case when t.oid is null then 'missing'
            when t.tgfoid is distinct from p.oid or t.tgtype <> w.type or t.tgqual is not null or t.tgattr <> '' then 'altered'
            when t.tgenabled <> w.enabled::"char" then case t.tgenabled when 'D' then 'disabled' else 'not enabled always' end
       end as problem
  from "{schema}".wanted_trigger as w
  left join pg_trigger as t on t.tgrelid = w.relation and t.tgname = w.name
  left join pg_proc as p on p.proname = format('note_%s', w.source)::name and p.pronamespace = (select c.relnamespace from pg_class as c where c.oid = '"{schema}".source'::regclass)
 where t.oid is null
    or t.tgfoid is distinct from p.oid or t.tgtype <> w.type or t.tgqual is not null or t.tgattr <> ''
    or t.tgenabled <> w.enabled::"char";

-- Which log the keys of a column go to; NULL if its type is of no datatype.
create function "{schema}".element_of(type oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive made_of (oid, base, depth) as (
    select t.oid, t.typbasetype, 0 from pg_type as t where t.oid = type
    union all
    select t.oid, t.typbasetype, m.depth + 1 from made_of as m join pg_type as t on t.oid = m.base
  )
  select case when m.oid in (20, 21, 23) then 'integer'
              when m.oid in (700, 701) then 'float'
              when m.oid in (25, 1043) then 'text'
              when m.oid = 1082 then 'date'
              when m.oid = 1114 then 'timestamp'
              when m.oid = 1184 then 'timestamptz'
         end
    from made_of as m
   order by m.depth desc
   limit 1
$$;

-- Whether the statement whose triggers run may be a MERGE, given the stack of calls. A row that a MERGE moves to another partition is in the
-- transition tables of DELETE and INSERT, whose triggers do not fire if the MERGE has only the action UPDATE (seen in 15 and 18;
-- ExecDelete and ExecInsert in nodeModifyTable.c look for CMD_UPDATE), so that nobody is told of it. Statements run by functions in SQL
-- are not part of the stack.
create function "{schema}".may_be_merge(stack text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return stack ~* '\mmerge\M'
      or stack ~ '(^|\n)SQL function '
      or current_query() ~* '\mmerge\M'
      or current_query() is null
      or (current_query() ~* '\mexecute\M' and exists (select from pg_prepared_statements as p where p.statement ~* '\mmerge\M'));
end
$$;

-- (Re)makes the function that the triggers of a source call. The names of column and log are part of its text, so that its plans are kept.
-- It looks first whether the column is what it was: a writer must not fail because somebody changed it behind our back.
create function "{schema}".define_note(of_source integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $define$
declare
  s "{schema}".source;
  as_installed text;
begin
  select * into strict s from "{schema}".source where id = of_source;
  if s.key_column is null then
    execute format($function$
      create or replace function "{schema}".%1$I() returns trigger
      language plpgsql security definer set search_path = pg_catalog, pg_temp
      as $body$
      #variable_conflict use_column
      begin
        if tg_op = 'TRUNCATE' then
          -- Like DDL, in snapshots older than itself: they see the rows that COPY FREEZE puts in afterwards.
          perform "{schema}".note_catalog_change();
        end if;
        if tg_level = 'ROW' or tg_op = 'TRUNCATE' then
          insert into "{schema}".change_whole (source, reason) values (%2$s, lower(tg_op));
        elsif tg_op = 'INSERT' then
          insert into "{schema}".change_whole (source, reason) select %2$s, 'insert' where exists (select from new_rows);
        else
          insert into "{schema}".change_whole (source, reason)
          select %2$s, lower(tg_op) where exists (select from old_rows) or exists (select from pg_class where oid = tg_relid and relkind = 'p');
        end if;
        return null;
      end
      $body$
      $function$, format('note_%s', s.id), s.id);
  else
    execute format($function$
      create or replace function "{schema}".%1$I() returns trigger
      language plpgsql security definer set search_path = pg_catalog, pg_temp
      as $body$
      #variable_conflict use_column
      declare
        stack text;
      begin
        if tg_op = 'TRUNCATE' then
          perform "{schema}".note_catalog_change();
        end if;
        if tg_op = 'TRUNCATE'
           or not exists (select from pg_attribute where attrelid = tg_relid and attname = %3$L and atttypid = %4$s and not attisdropped) then
          insert into "{schema}".change_whole (source, reason) values (%2$s, lower(tg_op));
        elsif tg_level = 'STATEMENT' then
          if tg_op = 'INSERT' then
            insert into "{schema}".%5$I (source, key) select distinct %2$s, r.%3$I from new_rows as r;
          elsif tg_op = 'DELETE' then
            insert into "{schema}".%5$I (source, key) select distinct %2$s, r.%3$I from old_rows as r;
          else
            insert into "{schema}".%5$I (source, key)
            select %2$s, r.%3$I from old_rows as r union select %2$s, r.%3$I from new_rows as r;
            if exists (select from pg_class where oid = tg_relid and relkind = 'p') then
              get diagnostics stack = pg_context;
              if "{schema}".may_be_merge(stack) then
                insert into "{schema}".change_whole (source, reason) values (%2$s, 'merge');
              end if;
            end if;
          end if;
        else
          if tg_op <> 'INSERT' then
            insert into "{schema}".%5$I (source, key) values (%2$s, old.%3$I);
          end if;
          if tg_op <> 'DELETE' then
            if tg_op = 'INSERT' or new.%3$I is distinct from old.%3$I then
              insert into "{schema}".%5$I (source, key) values (%2$s, new.%3$I);
            end if;
          end if;
        end if;
        return null;
      end
      $body$
      $function$, format('note_%s', s.id), s.id, s.key_column, s.key_type, format('change_%s', s.element));
  end if;
  execute format('revoke all on function "{schema}".%I() from public', format('note_%s', s.id));
end
$define$;

-- Makes what is missing of a source's triggers, and mends what was changed. Resolves to whether there was anything to do.
create function "{schema}".mend(of_source integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  found_any boolean := false;
  w record;
begin
  insert into "{schema}".mending default values;
  if to_regprocedure(format('"{schema}".note_%s()', of_source)) is null then
    perform "{schema}".define_note(of_source);
  end if;
  for w in
    select p.relation::regclass as relation, p.name, p.problem, x.clause
      from "{schema}".trigger_problem as p
      join "{schema}".wanted_trigger as x on x.source = p.source and x.relation = p.relation and x.name = p.name
     where p.source = of_source and p.problem in ('missing', 'altered')
  loop
    found_any := true;
    if w.problem = 'altered' then
      execute format('drop trigger %I on %s', w.name, w.relation);
    end if;
    execute format('create trigger %I ' || w.clause || ' execute function "{schema}".%I()', w.name, w.relation, format('note_%s', of_source));
  end loop;
  for w in
    select p.relation::regclass as relation,
           string_agg(format('enable %s trigger %I', case x.enabled when 'A' then 'always' else 'replica' end, p.name), ', ') as actions
      from "{schema}".trigger_problem as p
      join "{schema}".wanted_trigger as x on x.source = p.source and x.relation = p.relation and x.name = p.name
     where p.source = of_source
     group by p.relation
  loop
    found_any := true;
    execute format('alter table only %s %s', w.relation, w.actions);
  end loop;
  delete from "{schema}".mending as m where m.xid = pg_current_xact_id();
  delete from "{schema}".tracked_relation as r
   where r.source = of_source
     and r.relation not in (select t.relation from "{schema}".source as s cross join lateral "{schema}".tree_of(s.relation) as t where s.id = of_source);
  insert into "{schema}".tracked_relation (source, relation)
  select s.id, t.relation from "{schema}".source as s cross join lateral "{schema}".tree_of(s.relation) as t where s.id = of_source
  on conflict do nothing;
  -- A foreign table has no triggers that tell of what happens on its own server.
  if exists (select from "{schema}".source as s cross join lateral "{schema}".tree_of(s.relation) as t where s.id = of_source and t.relkind = 'f') then
    perform "{schema}".distrust(of_source, 'a child is a foreign table');
  end if;
  return found_any;
end
$$;

-- Every key of the source is uncertain for those who have not seen this transaction.
create function "{schema}".note_whole(of_source integer, why text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into "{schema}".change_whole (source, reason)
  select of_source, why
   where not exists (select from "{schema}".change_whole as c where c.source = of_source and c.xid = pg_current_xact_id())
$$;

-- Every key of the source is uncertain for everybody, until it is installed again.
create function "{schema}".distrust(of_source integer, why text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into "{schema}".change_whole (source, xid, reason)
  select of_source, '18446744073709551615', why
   where not exists (select from "{schema}".change_whole as c where c.source = of_source and c.xid = '18446744073709551615' and c.reason = why)
$$;

-- Tracks a table for a key column, or for none; NULL if it is, else the reason why it cannot be. Again does nothing. Raises
-- what PostgreSQL raises for want of privileges or of a lock.
create function "{schema}".track(of_schema text, of_table text, of_column text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  c pg_class;
  a pg_attribute;
  reason text;
  id_of_source integer;
  is_new boolean := false;
begin
  select x.* into c from pg_class as x join pg_namespace as n on n.oid = x.relnamespace where n.nspname = of_schema and x.relname = of_table;
  reason := case
    when c.oid is null then 'there is no such table'
    when c.relkind in ('v', 'm') then format('it is a %s; tables can be tracked', case c.relkind when 'v' then 'view' else 'materialized view' end)
    when c.relkind = 'f' then 'it is a foreign table: what happens on its own server is not seen here'
    when c.relkind not in ('r', 'p') then 'it is not a table'
    when c.relpersistence = 't' then 'it is a temporary table'
    when c.relrowsecurity then 'it has row-level security'
    when not pg_has_role(current_user, c.relowner, 'usage') then
      format('the role %s must own it, or be a member of its owner %s', current_user, c.relowner::regrole)
    when exists (select from "{schema}".tree_of(c.oid) as t where t.relkind = 'f') then 'a child is a foreign table: what happens on its own server is not seen here'
  end;
  if reason is null and of_column is not null then
    select x.* into a from pg_attribute as x where x.attrelid = c.oid and x.attname = of_column and x.attnum > 0 and not x.attisdropped;
    reason := case
      when a.attrelid is null then format('there is no column %s', of_column)
      when "{schema}".element_of(a.atttypid) is null then format('column %s is of type %s', of_column, format_type(a.atttypid, a.atttypmod))
      when a.attgenerated = 'v' then format('column %s is a virtual generated column', of_column)
    end;
  end if;
  if reason is not null then
    return reason;
  end if;
  select s.id into id_of_source
    from "{schema}".source as s
   where s.relation = c.oid and s.key_column is not distinct from of_column and s.key_type is not distinct from a.atttypid;
  if id_of_source is null then
    is_new := true;
    perform "{schema}".untrack(s.id) from "{schema}".source as s where s.key_column is not distinct from of_column
       and (s.relation = c.oid or (s.schema_name = of_schema and s.table_name = of_table));
    insert into "{schema}".source (relation, schema_name, table_name, key_column, key_type, element)
    values (c.oid, of_schema, of_table, of_column, a.atttypid, "{schema}".element_of(a.atttypid))
    returning id into id_of_source;
  else
    update "{schema}".source as s set schema_name = of_schema, table_name = of_table
     where s.id = id_of_source and (s.schema_name, s.table_name) is distinct from (of_schema::name, of_table::name);
  end if;
  perform "{schema}".define_note(id_of_source);
  -- Before anything is called sound: no writer must be under way that has not fired the triggers.
  if "{schema}".mend(id_of_source) or exists (select from "{schema}".change_whole as w where w.source = id_of_source and w.xid = '18446744073709551615') then
    perform "{schema}".note_whole(id_of_source, 'installed');
    delete from "{schema}".change_whole as w where w.source = id_of_source and w.xid = '18446744073709551615';
  end if;
  perform "{schema}".remember(id_of_source);
  return null;
end
$$;

-- Stops tracking a source. Its number stays known as one that nobody must rely on.
create function "{schema}".untrack(of_source integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  t record;
begin
  delete from "{schema}".source where id = of_source;
  perform "{schema}".distrust(of_source, 'removed');
  for t in
    select x.tgrelid::regclass as relation, x.tgname as name
      from pg_trigger as x
     where x.tgfoid = to_regprocedure(format('"{schema}".note_%s()', of_source))
  loop
    execute format('drop trigger %I on %s', t.name, t.relation);
  end loop;
  execute format('drop function if exists "{schema}".%I()', format('note_%s', of_source));
end
$$;

-- What DDL can change about a source without a trigger of ours being told: triggers, columns, children.
create function "{schema}".fingerprint_of(of_source integer) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with part (text) as (
    select concat_ws(' ', 'trigger', t.tgrelid, t.tgname, t.tgenabled, t.xmin)
      from "{schema}".wanted_trigger as w
      join pg_trigger as t on t.tgrelid = w.relation and t.tgname = w.name
     where w.source = of_source
    union all
    select concat_ws(' ', 'column', a.attrelid, a.attnum, a.xmin)
      from "{schema}".source as s
     cross join lateral "{schema}".tree_of(s.relation) as r
      join pg_attribute as a on a.attrelid = r.relation and a.attnum > 0
     where s.id = of_source
    union all
    select concat_ws(' ', 'child', i.inhrelid, i.inhparent, i.xmin)
      from "{schema}".source as s
     cross join lateral "{schema}".tree_of(s.relation) as r
      join pg_inherits as i on i.inhrelid = r.relation
     where s.id = of_source
  )
  select md5(string_agg(p.text, ',' order by p.text collate "C")) from part as p
$$;

create function "{schema}".remember(of_source integer) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  update "{schema}".source as s set fingerprint = "{schema}".fingerprint_of(s.id) where s.id = of_source
$$;

-- Looks at all sources, and lets the log say what came of it: for one whose triggers, columns or children are not as they were, every
-- key is uncertain; one whose triggers are not all there is not relied on. Resolves to the number of sources that something was said of.
-- Where there is no event trigger, this is all that notices DDL, from one call to the next.
create function "{schema}".notice() returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  s record;
  noticed integer := 0;
begin
  for s in
    select x.id,
           x.fingerprint is distinct from "{schema}".fingerprint_of(x.id) as is_changed,
           exists (select from "{schema}".trigger_problem as p where p.source = x.id)
             or not exists (select from pg_class as c where c.oid = x.relation)
             or exists (select from "{schema}".tree_of(x.relation) as t where t.relkind = 'f') as is_broken
      from "{schema}".source as x
  loop
    if s.is_changed then
      perform "{schema}".note_whole(s.id, 'the catalog changed');
      perform "{schema}".remember(s.id);
    end if;
    if s.is_broken then
      perform "{schema}".distrust(s.id, 'triggers are not all there');
    end if;
    noticed := noticed + case when s.is_changed or s.is_broken then 1 else 0 end;
  end loop;
  return noticed;
end
$$;

-- Removes changes that no entry needs: those of transactions before the horizon, which every entry in use has seen. At most so
-- many from each log; resolves to how many. Whatever the horizon, nothing goes wrong: entries that have not seen
-- all up to it are unusable from here on, in the same snapshots in which the rows are gone.
create function "{schema}".compact(horizon xid8, at_most integer) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- No transaction before that can still write.
  before constant xid8 := least(horizon, pg_snapshot_xmin(pg_current_snapshot()));
  log text;
  removed bigint;
  total bigint := 0;
  old_catalog xid8;
begin
  update "{schema}".tracking as t set compacted_before = before where t.compacted_before < before;
  foreach log in array array['integer', 'float', 'text', 'date', 'timestamp', 'timestamptz', 'whole'] loop
    execute format('delete from "{schema}".change_%1$s as c where c.ctid = any (array('
                   'select o.ctid from "{schema}".change_%1$s as o where o.xid < $1 limit $2))', log) using before, at_most;
    get diagnostics removed = row_count;
    total := total + removed;
  end loop;
  -- Proxies read the catalog again after each of these; who missed thousands is not there.
  select c.xid into old_catalog from "{schema}".change_catalog as c where c.xid < before order by c.xid desc offset 1000 limit 1;
  if found then
    update "{schema}".tracking as t set catalog_compacted_before = old_catalog where t.catalog_compacted_before < old_catalog;
    delete from "{schema}".change_catalog as c where c.xid < old_catalog;
    get diagnostics removed = row_count;
    total := total + removed;
  end if;
  return total;
end
$$;

-- ---------------------------------------------------------------------------------------------------------------------------------
-- DDL. What event triggers call is in 0003-ddl.sql.

-- Sources whose tree a relation is in, or was in.
create function "{schema}".sources_near(of_relation oid) returns setof integer
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select r.source from "{schema}".tracked_relation as r where r.relation = of_relation
  union
  select s.id from "{schema}".tree_of(of_relation) as t join "{schema}".source as s on s.relation = t.relation
$$;

-- One row is enough for a transaction. The lock, which conflicts with nobody's, tells that it is under way; see catalog-version.sql. The version is
-- drawn, for setval writes exactly that to the log of a standby, and nextval would not; and not by random(), whose numbers are the client's: it may
-- have seeded them, and then gets others, and versions come again.
create function "{schema}".note_catalog_change() returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select pg_advisory_xact_lock_shared("{schema}".catalog_lock());
  select setval('"{schema}".catalog_version', ('x' || left(replace(gen_random_uuid()::text, '-', ''), 12))::bit(48)::bigint);
  insert into "{schema}".change_catalog (xid)
  select pg_current_xact_id()
   where not exists (select from "{schema}".change_catalog as c where c.xid = pg_current_xact_id())
$$;

-- Clients may ask; all else is for the owner, and for whom grants.sql names.
do $$
declare
  f record;
begin
  for f in
    select p.oid::regprocedure as signature, p.proname as name
      from pg_proc as p
     where p.pronamespace = (select c.relnamespace from pg_class as c where c.oid = '"{schema}".tracking'::regclass)
       and p.proname in ('track', 'untrack', 'mend', 'define_note', 'note_whole', 'distrust', 'remember', 'notice', 'compact', 'note_catalog_change')
  loop
    execute format('revoke all on function %s from public', f.signature);
  end loop;
end
$$;
grant usage on schema "{schema}" to public;
