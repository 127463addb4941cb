-- 0001-queues: the two tiers of the queue, and what could not be done.
-- breaking: yes
--
-- "{prefix}" stands for the configured table prefix; the runner puts the schema into search_path. A row that is claimed stays where it is: run_at
-- is then the end of the lease, so that a worker that is gone gives it back by saying nothing.

create table "{prefix}original_query_queue" (
  id bigint generated always as identity,
  -- Which database the work is for: what pcache read of the server itself, not what it is called in a configuration.
  source text collate "C" not null,
  query text not null,
  hash bytea not null,
  partition_key text collate "C" not null,
  partition_datatype text not null,
  work jsonb not null,
  priority double precision not null,
  attempts integer not null default 0,
  -- Not to be claimed before; of one that is claimed, the end of the lease.
  run_at timestamptz not null default now(),
  -- Of the claim; NULL while nobody has it.
  token uuid,
  created_at timestamptz not null default now(),
  -- Its place among those that were pushed with it.
  ordinal bigint not null default 0,
  updated_at timestamptz not null default now(),
  constraint "{prefix}original_query_queue_id" primary key (id),
  constraint "{prefix}original_query_queue_once" unique (source, hash)
) with (fillfactor = 70);

-- Without run_at: claiming and extending change no index.
create index "{prefix}original_query_queue_order" on "{prefix}original_query_queue" (source, priority desc, created_at, ordinal);

create table "{prefix}query_fragment_queue" (
  like "{prefix}original_query_queue" including storage including identity including defaults,
  constraint "{prefix}query_fragment_queue_id" primary key (id),
  constraint "{prefix}query_fragment_queue_once" unique (source, hash)
) with (fillfactor = 70);

create index "{prefix}query_fragment_queue_order" on "{prefix}query_fragment_queue" (source, priority desc, created_at, ordinal);

create table "{prefix}original_query_queue_dead" (
  source text collate "C" not null,
  query text not null,
  hash bytea not null,
  partition_key text collate "C" not null,
  attempts integer not null,
  reason text not null,
  buried_at timestamptz not null default now(),
  constraint "{prefix}original_query_queue_dead_once" primary key (source, hash)
);

create table "{prefix}query_fragment_queue_dead" (
  like "{prefix}original_query_queue_dead" including defaults,
  constraint "{prefix}query_fragment_queue_dead_once" primary key (source, hash)
);
