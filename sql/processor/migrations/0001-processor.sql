-- 0001-processor: runs the fragments of the queue in the server itself, as jobs of pg_cron.
-- breaking: yes
--
-- "{prefix}" is that of the queue's tables, "{cache}" that of the cache's. A worker is a session that calls the procedure process; it has a slot, and a row here
-- that says what it is doing:
--
--   enter    takes the slot, unless it is disabled or a living session has it
--   claim    takes a fragment of the queue, and writes down until when it may run      (a transaction)
--   compute  runs it and writes its entry, under the fragment's settings               (a REPEATABLE READ transaction, rule F1)
--   settle   ends the claim, and writes down how it went                               (a transaction)
--   leave    gives the slot back
--
-- Wherever a worker ends, its row tells the others what it had: watch gives that back to the queue, and cancels what runs for too long. The
-- statements on queue, entries and change log are those of proxies and observers, kept here by pcache processor setup. All run with the
-- rights of whoever calls them.

create table "{prefix}processor_config" (
  id boolean not null default true,
  is_enabled boolean not null default false,
  -- As the queue calls this database.
  source text not null,
  backend text not null,
  -- Where changes of the entries and of the queue are told.
  cache_channel text not null,
  queue_channel text not null,
  max_jobs integer not null,
  frequency_s integer not null,
  timeout_s integer not null,
  max_keys bigint not null,
  max_bytes bigint not null,
  -- Of every run, besides the fragment's own: names and values.
  settings jsonb not null,
  max_attempts integer not null,
  max_dead bigint not null,
  log_days integer not null,
  -- The share of time a worker runs fragments in.
  duty double precision not null,
  cron_database text not null,
  constraint "{prefix}processor_config_once" primary key (id),
  constraint "{prefix}processor_config_one" check (id)
);

-- The partition keys that are worked on. stamp: the statement that says what an entry has seen; NULL where the data is promised not to change.
create table "{prefix}processor_key" (
  partition_key text collate "C" not null,
  datatype text not null,
  stamp text,
  constraint "{prefix}processor_key_once" primary key (partition_key)
);

-- How keys of a type are computed and written: the query before and after the fragment, and the statement that it is given to.
create table "{prefix}processor_form" (
  datatype text not null,
  type oid not null,
  before text not null,
  after text not null,
  populate text not null,
  constraint "{prefix}processor_form_once" primary key (datatype, type)
);

-- take-work and its like, by name.
create table "{prefix}processor_statement" (
  name text not null,
  statement text not null,
  constraint "{prefix}processor_statement_once" primary key (name)
);

create table "{prefix}processor_job" (
  slot integer not null,
  pid integer not null,
  backend_start timestamptz not null,
  entered_at timestamptz not null default clock_timestamp(),
  done bigint not null default 0,
  -- What it is running, if anything.
  queue_id bigint,
  token uuid,
  work jsonb,
  attempts integer,
  failures integer,
  claimed_at timestamptz,
  deadline timestamptz,
  -- It was asked to stop.
  cancelled_at timestamptz,
  constraint "{prefix}processor_job_once" primary key (slot)
);

create table "{prefix}processor_log" (
  id bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  slot integer not null,
  partition_key text,
  hash text,
  status text not null,
  key_count bigint,
  ms double precision,
  message text,
  constraint "{prefix}processor_log_id" primary key (id)
);

create index "{prefix}processor_log_order" on "{prefix}processor_log" (at);

create function "{prefix}processor_statement_of"(of_name text) returns text
language sql stable
as $$
  select s.statement from "{schema}"."{prefix}processor_statement" as s where s.name = of_name
$$
set search_path = pg_catalog, pg_temp;

-- Ends the claim of a job: done, given up, or to be tried again after a while. $2 complete, bury, retry or release.
create function "{prefix}processor_end_claim"(job "{prefix}processor_job", how text, reason text) returns text
language plpgsql
as $$
declare
  config "{schema}"."{prefix}processor_config";
  ended text := how;
begin
  select * into strict config from "{schema}"."{prefix}processor_config" as c;
  if how = 'retry' and job.attempts >= config.max_attempts then
    ended := 'bury';
  end if;
  if ended = 'complete' then
    execute "{schema}"."{prefix}processor_statement_of"('complete-work') using array[job.queue_id], array[job.token];
  elsif ended = 'bury' then
    execute "{schema}"."{prefix}processor_statement_of"('bury-work') using job.queue_id, job.token, reason, config.max_dead;
  else
    execute "{schema}"."{prefix}processor_statement_of"('give-back-work')
      using job.queue_id, job.token,
            case when ended = 'retry' then least(300000, 1000 * power(2, job.attempts - 1)) else 0 end::double precision,
            case when ended = 'retry' then 0 else 1 end,
            config.queue_channel;
  end if;
  return ended;
end
$$
set search_path = pg_catalog, pg_temp;

-- Sees to what others left or do for too long: workers that are gone give back what they had, fragments beyond their time are cancelled, and old lines of the log go.
create function "{prefix}processor_watch"() returns void
language plpgsql
as $$
declare
  config "{schema}"."{prefix}processor_config";
  job "{schema}"."{prefix}processor_job";
begin
  select * into strict config from "{schema}"."{prefix}processor_config" as c;
  -- What a transaction has seen of sessions once, it sees again: who began since would be taken for gone.
  perform pg_stat_clear_snapshot();
  for job in
    select j.*
      from "{schema}"."{prefix}processor_job" as j
     where not exists (
             select
               from pg_stat_activity as a
              where a.pid = j.pid
                -- Of other roles' sessions these two cannot be seen.
                and (a.backend_start is null or a.backend_start = j.backend_start)
                and a.state is distinct from 'idle'
           )
       for update of j skip locked
  loop
    if job.queue_id is not null then
      perform "{schema}"."{prefix}processor_end_claim"(job, 'retry', 'its workers were lost, again and again');
    end if;
    insert into "{schema}"."{prefix}processor_log" (slot, partition_key, hash, status, message)
    values (job.slot, job.work ->> 'partitionKey', job.work ->> 'hash', 'lost', 'the session of the worker has ended; what it had is in the queue again');
    delete from "{schema}"."{prefix}processor_job" as j where j.slot = job.slot;
  end loop;
  -- While the row is locked, its worker does not begin with something else.
  for job in
    select j.*
      from "{schema}"."{prefix}processor_job" as j
     where j.deadline < clock_timestamp()
       and j.pid <> pg_backend_pid()
       and (j.cancelled_at is null or j.cancelled_at < clock_timestamp() - interval '5 seconds')
       for update of j skip locked
  loop
    -- Of another role's session only that role sees the start, and may cancel it.
    perform pg_cancel_backend(a.pid)
       from pg_stat_activity as a
      where a.pid = job.pid and a.backend_start = job.backend_start and a.usename = current_user;
    update "{schema}"."{prefix}processor_job" as j set cancelled_at = clock_timestamp() where j.slot = job.slot;
  end loop;
  delete from "{schema}"."{prefix}processor_log" as l where l.at < clock_timestamp() - config.log_days * interval '1 day';
end
$$
set search_path = pg_catalog, pg_temp;

-- Takes a slot; false if there is nothing to be done in it. Slots below 0 are of people, who work although it is disabled.
create function "{prefix}processor_enter"(of_slot integer) returns boolean
language plpgsql
as $$
declare
  own timestamptz := (select a.backend_start from pg_stat_activity as a where a.pid = pg_backend_pid());
begin
  if not exists (
    select
      from "{schema}"."{prefix}processor_config" as c
     where of_slot < 0 or (c.is_enabled and of_slot <= c.max_jobs)
  ) then
    return false;
  end if;
  perform "{schema}"."{prefix}processor_watch"();
  insert into "{schema}"."{prefix}processor_job" (slot, pid, backend_start)
  values (of_slot, pg_backend_pid(), own)
  on conflict (slot) do nothing;
  return found;
end
$$
set search_path = pg_catalog, pg_temp;

-- Claims a fragment for a slot; false if there is none that is worth running, or it has been disabled.
create function "{prefix}processor_claim"(of_slot integer) returns boolean
language plpgsql
as $$
declare
  config "{schema}"."{prefix}processor_config";
  job "{schema}"."{prefix}processor_job";
  taken record;
  entry record;
  known text;
  problem text;
begin
  select * into strict config from "{schema}"."{prefix}processor_config" as c;
  if of_slot > 0 and not (config.is_enabled and of_slot <= config.max_jobs) then
    return false;
  end if;
  select * into strict job from "{schema}"."{prefix}processor_job" as j where j.slot = of_slot for update;
  -- Some are known already: each turn ends a claim, so that it comes to an end.
  for turn in 1 .. 100 loop
    execute "{schema}"."{prefix}processor_statement_of"('take-work')
       into taken
      using config.source, 1::bigint, ((config.timeout_s + 60) * 1000)::double precision;
    if taken.id is null then
      return false;
    end if;
    job.queue_id := taken.id;
    job.token := taken.token;
    job.work := taken.work;
    job.attempts := taken.attempts;
    select k.datatype into known from "{schema}"."{prefix}processor_key" as k where k.partition_key = job.work ->> 'partitionKey';
    problem := case
                 when job.attempts > config.max_attempts then 'its workers were lost, again and again'
                 when (jsonb_typeof(job.work -> 'tables') = 'array' and jsonb_typeof(job.work -> 'conjuncts') = 'array'
                           and jsonb_typeof(job.work -> 'settings') = 'object' and jsonb_typeof(job.work -> 'sql') = 'string'
                           and job.work ->> 'hash' ~ '^[0-9a-f]{64}$') is not true
                   then 'it is no fragment'
                 when known is null then 'the processor was not set up for this partition key: pcache processor setup'
                 when known <> job.work ->> 'datatype' then format('the partition key is of datatype %s, not %s', known, job.work ->> 'datatype')
               end;
    if problem is not null then
      perform "{schema}"."{prefix}processor_end_claim"(job, 'bury', problem);
      insert into "{schema}"."{prefix}processor_log" (slot, partition_key, hash, status, message)
      values (of_slot, job.work ->> 'partitionKey', job.work ->> 'hash', 'buried', problem);
      continue;
    end if;
    select e.status, e.created_at, case when e.status = 'ok' then 0 else coalesce(e.failures, 1) end as failures
      into entry
      from "{schema}"."{cache}entry" as e
     where e.backend = config.backend
       and e.partition_key = job.work ->> 'partitionKey'
       and e.hash = decode(job.work ->> 'hash', 'hex');
    -- As src/population/retry-policy.ts has it: after 5 minutes, then twice as long each time up to a day, eight runs in all.
    if entry.status is not null
       and (entry.status = 'ok' or entry.failures >= 8
            or clock_timestamp() < entry.created_at + least(86400, 300 * power(2, entry.failures - 1)) * interval '1 second') then
      perform "{schema}"."{prefix}processor_end_claim"(job, 'complete', null);
      insert into "{schema}"."{prefix}processor_log" (slot, partition_key, hash, status)
      values (of_slot, job.work ->> 'partitionKey', job.work ->> 'hash', case entry.status when 'ok' then 'known' else 'failed before' end);
      continue;
    end if;
    update "{schema}"."{prefix}processor_job" as j
       set queue_id = job.queue_id,
           token = job.token,
           work = job.work,
           attempts = job.attempts,
           failures = coalesce(entry.failures, 0),
           claimed_at = clock_timestamp(),
           cancelled_at = null,
           deadline = clock_timestamp() + config.timeout_s * interval '1 second'
     where j.slot = of_slot;
    return true;
  end loop;
  return false;
end
$$
set search_path = pg_catalog, pg_temp;

-- What an entry of a fragment is to carry so that it can be kept fresh, or why that cannot be, as src/freshness/entry-stamp.ts finds it.
create function "{prefix}processor_stamp"(work jsonb, stamp text, out snapshot text, out origin jsonb, out problem text)
language plpgsql
as $$
declare
  schemas text[];
  tables text[];
  columns text[];
  tied integer := jsonb_array_length(work -> 'tables');
  stamped record;
begin
  select format('%s.%s is a view, whose changes are not tracked', t.value ->> 'schema', t.value ->> 'name')
    into problem
    from jsonb_array_elements(work -> 'tables') as t
   where t.value ? 'definition'
   limit 1;
  if problem is not null then
    return;
  end if;
  select array_agg(a.schema order by a.position), array_agg(a.name order by a.position), array_agg(a.key_column order by a.position)
    into schemas, tables, columns
    from (
           select t.value ->> 'schema' as schema, t.value ->> 'name' as name, t.value ->> 'keyColumn' as key_column, t.ordinality as position
             from jsonb_array_elements(work -> 'tables') with ordinality as t
           union all
           select case when r.name ~ '^[^.]*\.[^.]*$' then split_part(r.name, '.', 1) else '' end,
                  case when r.name ~ '^[^.]*\.[^.]*$' then split_part(r.name, '.', 2) else r.name end,
                  null,
                  tied + row_number() over (order by r.name)
             from (
                    select distinct x.value as name
                      from jsonb_array_elements(work -> 'conjuncts') as c
                     cross join lateral jsonb_array_elements_text(coalesce(c.value -> 'reads', '[]')) as x
                  ) as r
         ) as a;
  begin
    execute stamp into stamped using schemas, tables, columns;
  exception
    when invalid_schema_name or undefined_table or undefined_function or undefined_column then
      problem := 'changes are not tracked in this database: `pcache track install` sets it up';
      return;
    when insufficient_privilege then
      problem := 'the role may not read the change log: `pcache track grants` prints what it needs';
      return;
  end;
  select format('changes of %s are not tracked; see `pcache track status`', string_agg(distinct schemas[i] || '.' || tables[i], ', '))
    into problem
    from generate_subscripts(tables, 1) as i
   where stamped.sources[i] is null
  having count(*) > 0;
  if problem is not null then
    return;
  end if;
  snapshot := stamped.snapshot;
  origin := jsonb_build_object(
    'epoch', stamped.epoch,
    'server', stamped.server,
    'sources', (select coalesce(jsonb_agg(distinct stamped.sources[i]), '[]') from generate_series(1, tied) as i),
    'reads', (select coalesce(jsonb_agg(distinct stamped.sources[i]), '[]') from generate_series(tied + 1, cardinality(tables)) as i)
  );
end
$$
set search_path = pg_catalog, pg_temp;

-- Puts the settings of a fragment in force for the rest of the transaction; what is wrong with one, or null. Has no search_path of its own, as that may be among them:
-- all is qualified.
create function "{prefix}processor_apply"(names text[], wanted text[]) returns text
language plpgsql
as $$
declare
  applied text;
  unusable text;
  i integer := 1;
begin
  while i operator(pg_catalog.<=) pg_catalog.cardinality(names) loop
    if names[i] operator(pg_catalog.=) 'search_path' then
      -- As sql/queries/unusable-schema.sql.
      select n.nspname into unusable
        from pg_catalog.pg_namespace as n
       where pg_catalog.strpos(pg_catalog.concat(', ', wanted[i], ', '),
                               pg_catalog.concat(', ', pg_catalog.chr(34), pg_catalog.replace(n.nspname::pg_catalog.text, pg_catalog.chr(34), pg_catalog.repeat(pg_catalog.chr(34), 2)), pg_catalog.chr(34), ', ')) operator(pg_catalog.>) 0
         and not pg_catalog.has_schema_privilege(n.oid, 'usage')
         and (exists (select from pg_catalog.pg_proc as p where p.pronamespace operator(pg_catalog.=) n.oid)
              or exists (select from pg_catalog.pg_operator as o where o.oprnamespace operator(pg_catalog.=) n.oid))
       limit 1;
      if unusable is not null then
        return pg_catalog.format('the role may not use the schema %s, whose functions and operators may be meant', unusable);
      end if;
    end if;
    applied := pg_catalog.set_config(names[i], wanted[i], true);
    if not (applied operator(pg_catalog.=) wanted[i])
       -- '64MB' and '65536' are the same: set_config answers in the one form, pg_settings in the other.
       and not exists (select from pg_catalog.pg_settings as s
                        where pg_catalog.lower(s.name) operator(pg_catalog.=) pg_catalog.lower(names[i])
                          and s.setting operator(pg_catalog.=) wanted[i]) then
      return pg_catalog.format('setting %s became ''%s'' where the fragment needs ''%s''', names[i], applied, wanted[i]);
    end if;
    i := i operator(pg_catalog.+) 1;
  end loop;
  return null;
end
$$;

-- Runs what a slot has claimed, and writes its entry. status: stored; timeout, too_large, failed (the fragment's own); retry (not its fault), conflict (another one
-- has written the entry meanwhile). Nothing is written unless it is stored. From the fragment's settings on, all is qualified.
create function "{prefix}processor_compute"(of_slot integer, out status text, out key_count bigint, out ms double precision, out message text)
language plpgsql
as $$
declare
  config "{schema}"."{prefix}processor_config";
  job "{schema}"."{prefix}processor_job";
  of_key "{schema}"."{prefix}processor_key";
  form "{schema}"."{prefix}processor_form";
  stamp record;
  began timestamptz := pg_catalog.clock_timestamp();
  seen text;
  key_type oid;
  written record;
  payload text;
  names text[];
  wanted text[];
  query text;
begin
  status := 'failed';
  select * into strict config from "{schema}"."{prefix}processor_config" as c;
  select * into strict job from "{schema}"."{prefix}processor_job" as j where j.slot operator(pg_catalog.=) of_slot;
  select * into strict of_key from "{schema}"."{prefix}processor_key" as k
   where k.partition_key operator(pg_catalog.=) (job.work operator(pg_catalog.->>) 'partitionKey');
  begin
    if of_key.stamp is null then
      select pg_catalog.pg_current_snapshot()::pg_catalog.text as snapshot, null::pg_catalog.jsonb as origin, null::pg_catalog.text as problem into stamp;
    else
      select s.snapshot, s.origin, s.problem into stamp from "{schema}"."{prefix}processor_stamp"(job.work, of_key.stamp) as s;
    end if;
    if stamp.problem is not null then
      message := stamp.problem;
      return;
    end if;
    payload := pg_catalog.json_build_object(
      'by', 'processor', 'partitionKey', job.work operator(pg_catalog.->>) 'partitionKey', 'hash', job.work operator(pg_catalog.->>) 'hash'
    );
    select coalesce(pg_catalog.array_agg(s.key), '{}'), coalesce(pg_catalog.array_agg(s.value), '{}')
      into names, wanted
      from pg_catalog.jsonb_each_text(config.settings) as s;
    perform "{schema}"."{prefix}processor_apply"(names, wanted);
    select coalesce(pg_catalog.array_agg(s.key), '{}'), coalesce(pg_catalog.array_agg(s.value), '{}')
      into names, wanted
      from pg_catalog.jsonb_each_text(job.work operator(pg_catalog.->) 'settings') as s;
    message := "{schema}"."{prefix}processor_apply"(names, wanted);
    if message is not null then
      return;
    end if;
    -- LIMIT 0: it is planned, for the type of its column, and not run.
    execute pg_catalog.concat('select pg_catalog.pg_typeof((select f.key from (', job.work operator(pg_catalog.->>) 'sql', E'\n', ') as f (key) limit 0))::pg_catalog.oid')
       into key_type;
    with recursive made_of (oid, base, depth) as (
      select t.oid, t.typbasetype, 0 from pg_catalog.pg_type as t where t.oid operator(pg_catalog.=) key_type
      union all
      select t.oid, t.typbasetype, m.depth operator(pg_catalog.+) 1
        from made_of as m
        join pg_catalog.pg_type as t on t.oid operator(pg_catalog.=) m.base
    )
    select m.oid into key_type from made_of as m order by m.depth desc limit 1;
    select * into form
      from "{schema}"."{prefix}processor_form" as f
     where f.datatype operator(pg_catalog.=) of_key.datatype and f.type operator(pg_catalog.=) key_type;
    if not found then
      message := pg_catalog.format('a key of type %s cannot be read as %s', pg_catalog.format_type(key_type, null), of_key.datatype);
      return;
    end if;
    query := pg_catalog.concat(form.before, job.work operator(pg_catalog.->>) 'sql', form.after);
    -- The statement counts from when the session's statement began, which is the call of the procedure: that is taken off again.
    execute form.populate
       into written
      using query,
            config.backend,
            job.work operator(pg_catalog.->>) 'partitionKey',
            pg_catalog.decode(job.work operator(pg_catalog.->>) 'hash', 'hex'),
            job.work::pg_catalog.text,
            stamp.snapshot,
            stamp.origin,
            pg_catalog.floor((pg_catalog.date_part('epoch', began) operator(pg_catalog.*) 1000::pg_catalog.float8)),
            (pg_catalog.date_part('epoch', pg_catalog.statement_timestamp() operator(pg_catalog.-) began)
             operator(pg_catalog.*) 1000::pg_catalog.float8),
            null::pg_catalog.float8,
            null::pg_catalog.float8,
            config.max_keys,
            config.max_bytes,
            config.cache_channel,
            payload;
    if written.entries operator(pg_catalog.=) 1 then
      status := 'stored';
      key_count := written.key_count;
    elsif written.row_count operator(pg_catalog.>) config.max_keys then
      status := 'too_large';
      message := pg_catalog.format('more than %s keys', config.max_keys);
    elsif written.weight operator(pg_catalog.>) config.max_bytes then
      status := 'too_large';
      message := pg_catalog.format('keys of more than %s bytes', config.max_bytes);
    else
      message := pg_catalog.format('the backend %s has no room for the key %s; another backend holds it', config.backend, written.outside);
    end if;
  exception
    when query_canceled then
      status := case when pg_catalog.clock_timestamp() operator(pg_catalog.>=) job.deadline then 'timeout' else 'retry' end;
      message := sqlerrm;
    when serialization_failure then
      status := 'conflict';
      message := sqlerrm;
    when deadlock_detected or lock_not_available or operator_intervention or insufficient_resources then
      status := 'retry';
      message := sqlerrm;
    when others then
      status := 'failed';
      message := pg_catalog.format('%s (SQLSTATE %s)', sqlerrm, sqlstate);
  end;
  ms := pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() operator(pg_catalog.-) began) operator(pg_catalog.*) 1000::pg_catalog.float8;
end
$$;

-- Ends the claim of a slot by how its run went; a failure leaves an entry, so that it is not tried again before its time.
create function "{prefix}processor_settle"(of_slot integer, status text, key_count bigint, ms double precision, message text) returns void
language plpgsql
as $$
declare
  config "{schema}"."{prefix}processor_config";
  job "{schema}"."{prefix}processor_job";
  ended text;
  failure text := case when status in ('timeout', 'too_large', 'failed') then status end;
begin
  select * into strict config from "{schema}"."{prefix}processor_config" as c;
  select * into strict job from "{schema}"."{prefix}processor_job" as j where j.slot = of_slot for update;
  ended := "{schema}"."{prefix}processor_end_claim"(
    job, case status when 'retry' then 'retry' when 'conflict' then 'release' else 'complete' end, coalesce(message, 'unknown')
  );
  if ended = 'bury' then
    failure := 'failed';
  end if;
  if failure is not null then
    with written as (
      insert into "{schema}"."{cache}entry" as e
             (backend, partition_key, hash, fragment, status, key_count, has_null_key, created_at, last_used_at, compute_ms, error, failures, bytes)
      values (config.backend, job.work ->> 'partitionKey', decode(job.work ->> 'hash', 'hex'), job.work, failure, 0, false,
              date_trunc('milliseconds', clock_timestamp()), date_trunc('milliseconds', clock_timestamp()), coalesce(ms, 0), message, job.failures + 1, 0)
      on conflict (backend, partition_key, hash) do update
         set fragment = excluded.fragment,
             status = excluded.status,
             key_count = excluded.key_count,
             has_null_key = excluded.has_null_key,
             snapshot = null,
             origin = null,
             created_at = excluded.created_at,
             last_used_at = excluded.last_used_at,
             compute_ms = excluded.compute_ms,
             error = excluded.error,
             failures = excluded.failures,
             bytes = excluded.bytes,
             integers = null,
             floats = null,
             texts = null,
             timestamps = null,
             bits = null,
             roaring = null
       where e.status <> 'ok'
      returning 1
    )
    select pg_notify(
             config.cache_channel,
             json_build_object('by', 'processor', 'partitionKey', job.work ->> 'partitionKey', 'hash', job.work ->> 'hash')::text
           )
      into ended
      from written;
  end if;
  insert into "{schema}"."{prefix}processor_log" (slot, partition_key, hash, status, key_count, ms, message)
  values (of_slot, job.work ->> 'partitionKey', job.work ->> 'hash', case status when 'stored' then 'ok' else status end, key_count, ms, message);
  update "{schema}"."{prefix}processor_job" as j
     set queue_id = null, token = null, work = null, attempts = null, failures = null, claimed_at = null, deadline = null, cancelled_at = null, done = j.done + 1
   where j.slot = of_slot;
end
$$
set search_path = pg_catalog, pg_temp;

create function "{prefix}processor_leave"(of_slot integer) returns void
language sql
as $$
  delete from "{schema}"."{prefix}processor_job" as j where j.slot = of_slot and j.pid = pg_backend_pid()
$$
set search_path = pg_catalog, pg_temp;

-- A worker: runs fragments one after the other, each in a transaction of its own, so that no snapshot lingers. After for_seconds, or most fragments, it ends;
-- while there is nothing to do it looks each frequency, or ends at once if for_seconds is 0. A procedure that commits can have no search_path: all is qualified.
create procedure "{prefix}process"(of_slot integer, for_seconds integer, most bigint default null)
language plpgsql
as $$
declare
  ends timestamptz := pg_catalog.clock_timestamp() operator(pg_catalog.+) pg_catalog.make_interval(secs => for_seconds);
  -- Where there are more jobs than this one, it does not work for ever.
  rests timestamptz := pg_catalog.clock_timestamp() operator(pg_catalog.+) pg_catalog.make_interval(secs => greatest(for_seconds, 55));
  outcome record;
  ran bigint := 0;
  waits integer;
  rest_s double precision;
begin
  if not "{schema}"."{prefix}processor_enter"(of_slot) then
    return;
  end if;
  commit;
  loop
    if "{schema}"."{prefix}processor_claim"(of_slot) then
      commit;
      set transaction isolation level repeatable read;
      select c.status, c.key_count, c.ms, c.message into outcome from "{schema}"."{prefix}processor_compute"(of_slot) as c;
      -- What was seen of others is not to be lost in a crash after the entry is used.
      commit;
      perform "{schema}"."{prefix}processor_settle"(of_slot, outcome.status, outcome.key_count, outcome.ms, outcome.message);
      commit;
      ran := ran operator(pg_catalog.+) 1;
      exit when ran operator(pg_catalog.>=) most or pg_catalog.clock_timestamp() operator(pg_catalog.>=) rests;
      -- As an observer does, a minute at most: the database comes first. In pieces, as a sleeping statement has a snapshot.
      rest_s := (select least(60, outcome.ms operator(pg_catalog./) 1000 operator(pg_catalog.*) (1 operator(pg_catalog./) c.duty operator(pg_catalog.-) 1))
                   from "{schema}"."{prefix}processor_config" as c
                  where of_slot operator(pg_catalog.>) 0);
      while rest_s operator(pg_catalog.>) 0 loop
        perform pg_catalog.pg_sleep(least(rest_s, 1));
        commit;
        -- Who has nothing else to do need not be left alone. Of other roles' sessions a role may see nothing, and takes them to be at work.
        exit when not exists (
          select
            from pg_catalog.pg_stat_activity as a
           where a.backend_type is null
              or (a.backend_type operator(pg_catalog.=) 'client backend'
                  and a.state operator(pg_catalog.=) 'active'
                  and a.application_name operator(pg_catalog.<>) 'pcache'
                  and a.application_name operator(pg_catalog.<>) 'pg_cron'
                  and a.pid operator(pg_catalog.<>) pg_catalog.pg_backend_pid()
                  and not exists (select from "{schema}"."{prefix}processor_job" as j where j.pid operator(pg_catalog.=) a.pid))
        );
        rest_s := rest_s operator(pg_catalog.-) 1;
      end loop;
    else
      commit;
      waits := (select c.frequency_s from "{schema}"."{prefix}processor_config" as c where of_slot operator(pg_catalog.<) 0 or (c.is_enabled and of_slot operator(pg_catalog.<=) c.max_jobs));
      exit when waits is null;
      while waits operator(pg_catalog.>) 0 and pg_catalog.clock_timestamp() operator(pg_catalog.<) ends loop
        perform pg_catalog.pg_sleep(1);
        commit;
        waits := waits operator(pg_catalog.-) 1;
      end loop;
      exit when pg_catalog.clock_timestamp() operator(pg_catalog.>=) ends;
      perform "{schema}"."{prefix}processor_watch"();
      commit;
    end if;
  end loop;
  perform "{schema}"."{prefix}processor_leave"(of_slot);
end
$$;

-- The one that watches the others, each second; for_seconds as above.
create procedure "{prefix}process_watch"(for_seconds integer)
language plpgsql
as $$
declare
  ends timestamptz := pg_catalog.clock_timestamp() operator(pg_catalog.+) pg_catalog.make_interval(secs => for_seconds);
begin
  loop
    perform "{schema}"."{prefix}processor_watch"();
    commit;
    exit when pg_catalog.clock_timestamp() operator(pg_catalog.>=) ends
           or not exists (select from "{schema}"."{prefix}processor_config" as c where c.is_enabled);
    perform pg_catalog.pg_sleep(1);
    commit;
  end loop;
end
$$;

revoke all on function "{prefix}processor_statement_of"(text), "{prefix}processor_end_claim"("{prefix}processor_job", text, text),
  "{prefix}processor_watch"(), "{prefix}processor_enter"(integer), "{prefix}processor_claim"(integer),
  "{prefix}processor_stamp"(jsonb, text), "{prefix}processor_apply"(text[], text[]), "{prefix}processor_compute"(integer),
  "{prefix}processor_settle"(integer, text, bigint, double precision, text), "{prefix}processor_leave"(integer) from public;
revoke all on procedure "{prefix}process"(integer, integer, bigint), "{prefix}process_watch"(integer) from public;
