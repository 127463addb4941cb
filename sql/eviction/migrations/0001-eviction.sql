-- 0001-eviction: what keeps the entries of a cache within limits, without any process but the server's.
-- breaking: yes
--
-- What goes is chosen as src/cache/eviction/choose-evictions.ts does it. "{prefix}" is that of the cache's tables. Everything runs with the
-- rights of whoever calls it.

create table "{prefix}eviction_config" (
  backend text not null,
  -- Where changes of that backend are told.
  channel text not null,
  is_enabled boolean not null default false,
  strategy text not null,
  -- NULL: no limit.
  max_age_days double precision,
  max_entries bigint,
  max_bytes bigint,
  max_entries_per_key bigint,
  max_bytes_per_key bigint,
  log_days integer not null,
  -- When it runs, as pg_cron writes that, and where its job is kept.
  schedule text not null,
  cron_database text not null,
  constraint "{prefix}eviction_config_once" primary key (backend),
  constraint "{prefix}eviction_config_known_strategy" check (strategy in ('oldest', 'largest', 'cost_benefit'))
);

create table "{prefix}eviction_log" (
  id bigint generated always as identity,
  backend text not null,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  strategy text not null,
  entries bigint not null,
  bytes bigint not null,
  evicted bigint not null,
  evicted_bytes bigint not null,
  by_age bigint not null,
  by_partition_key bigint not null,
  by_total bigint not null,
  constraint "{prefix}eviction_log_id" primary key (id)
);

create index "{prefix}eviction_log_order" on "{prefix}eviction_log" (backend, started_at);

-- The entries of a backend that are beyond its limits, and why. An entry goes if it and all that come after it in the order are too much.
create function "{prefix}eviction_choice"(of_backend text, as_of timestamptz)
returns table (partition_key text, hash bytea, last_use timestamptz, bytes bigint, reason text)
language sql stable
as $$
  with ranked as (
    select e.partition_key,
           e.hash,
           u.last_use,
           coalesce(e.bytes, 0) as bytes,
           u.last_use < as_of - c.max_age_days * interval '1 day' as is_too_old,
           row_number() over (
             order by case c.strategy
                        when 'oldest' then 0
                        when 'largest' then - coalesce(e.bytes, 0)
                        else (e.saved_ms + e.compute_ms) / (coalesce(e.bytes, 0) + 256)
                          / (1 + greatest(date_part('epoch', as_of - u.last_use), 0) / 86400)
                      end,
                      u.last_use, e.partition_key, e.hash
           ) as position
      from "{schema}"."{prefix}entry" as e
     cross join lateral (select greatest(e.created_at, e.last_used_at) as last_use) as u
      join "{schema}"."{prefix}eviction_config" as c on c.backend = e.backend
     where e.backend = of_backend
  ),
  of_key as (
    select r.*,
           count(*) over w > c.max_entries_per_key or sum(r.bytes) over w > c.max_bytes_per_key as is_beyond
      from ranked as r
      join "{schema}"."{prefix}eviction_config" as c on c.backend = of_backend
     where r.is_too_old is not true
    window w as (partition by r.partition_key order by r.position desc)
  ),
  of_all as (
    select k.*, count(*) over w > c.max_entries or sum(k.bytes) over w > c.max_bytes as is_over
      from of_key as k
      join "{schema}"."{prefix}eviction_config" as c on c.backend = of_backend
     where k.is_beyond is not true
    window w as (order by k.position desc)
  )
  select r.partition_key, r.hash, r.last_use, r.bytes, 'age' from ranked as r where r.is_too_old
  union all
  select k.partition_key, k.hash, k.last_use, k.bytes, 'partition_key' from of_key as k where k.is_beyond
  union all
  select a.partition_key, a.hash, a.last_use, a.bytes, 'total' from of_all as a where a.is_over
$$
set search_path = pg_catalog, pg_temp;

-- Removes them, tells of each, and writes down what was done; one at a time. NULL: another one is at it, or the job has been disabled. What somebody is just
-- writing, or has used since it was looked at, stays. Statements that are about to read an entry have their own snapshot, in which it is there, or find it gone.
create function "{prefix}evict"(of_backend text, is_job boolean)
returns bigint
language plpgsql
as $$
declare
  config "{schema}"."{prefix}eviction_config";
  began timestamptz := clock_timestamp();
  done record;
  before record;
begin
  select * into config from "{schema}"."{prefix}eviction_config" as c where c.backend = of_backend;
  if not found then
    raise exception 'eviction of % is not set up', of_backend using hint = 'Run: pcache eviction setup.';
  end if;
  if is_job and not config.is_enabled then
    return null;
  end if;
  if not pg_try_advisory_xact_lock(
    (select hashtextextended('pcache eviction ' || of_backend, c.tableoid::bigint) from "{schema}"."{prefix}eviction_config" as c where c.backend = of_backend)
  ) then
    return null;
  end if;
  select count(*) as entries, coalesce(sum(e.bytes), 0) as bytes
    into before
    from "{schema}"."{prefix}entry" as e
   where e.backend = of_backend;
  with chosen as materialized (
    select h.* from "{schema}"."{prefix}eviction_choice"(of_backend, began) as h
  ),
  held as materialized (
    select h.partition_key, h.hash, h.bytes, h.reason
      from chosen as h
      join "{schema}"."{prefix}entry" as e on e.backend = of_backend and e.partition_key = h.partition_key and e.hash = h.hash
     where greatest(e.created_at, e.last_used_at) = h.last_use
       for update of e skip locked
  ),
  deleted as (
    delete from "{schema}"."{prefix}entry" as e
     using held as h
     where e.backend = of_backend and e.partition_key = h.partition_key and e.hash = h.hash
    returning h.reason,
              h.bytes,
              pg_notify(
                config.channel,
                json_build_object('by', 'eviction', 'partitionKey', e.partition_key, 'hash', encode(e.hash, 'hex'))::text
              ) as told
  )
  select count(d.told) as evicted,
         coalesce(sum(d.bytes), 0) as evicted_bytes,
         count(*) filter (where d.reason = 'age') as by_age,
         count(*) filter (where d.reason = 'partition_key') as by_partition_key,
         count(*) filter (where d.reason = 'total') as by_total
    into done
    from deleted as d;
  insert into "{schema}"."{prefix}eviction_log"
         (backend, started_at, finished_at, strategy, entries, bytes, evicted, evicted_bytes, by_age, by_partition_key, by_total)
  values (of_backend, began, clock_timestamp(), config.strategy, before.entries, before.bytes, done.evicted, done.evicted_bytes,
          done.by_age, done.by_partition_key, done.by_total);
  delete from "{schema}"."{prefix}eviction_log" as l
   where l.backend = of_backend and l.started_at < began - config.log_days * interval '1 day';
  return done.evicted;
end
$$
set search_path = pg_catalog, pg_temp;

revoke all on function "{prefix}eviction_choice"(text, timestamptz) from public;
revoke all on function "{prefix}evict"(text, boolean) from public;
