-- 0001-entries: partition keys, and what is known of each fragment.
-- breaking: yes
--
-- "{prefix}" stands for the configured table prefix; the runner puts the schema into search_path. Each backend has its own entries, so
-- that several can share a schema. An entry is one row: it is written whole or not at all.

create table "{prefix}partition_key" (
  backend text not null,
  name text collate "C" not null,
  datatype text not null,
  registered_at timestamptz not null default now(),
  constraint "{prefix}partition_key_once" primary key (backend, name),
  constraint "{prefix}partition_key_known_datatype" check (datatype in ('integer', 'float', 'text', 'timestamp'))
);

create table "{prefix}entry" (
  backend text not null,
  partition_key text collate "C" not null,
  -- SHA-256 of the fragment and its context.
  hash bytea not null,
  fragment jsonb not null,
  status text not null,
  key_count bigint not null,
  has_null_key boolean not null,
  snapshot pg_snapshot,
  -- Which changes the snapshot is about; NULL for data that is static.
  origin jsonb,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  compute_ms double precision not null,
  error text,
  failures integer,
  -- The keys, in the column of their datatype and backend; all NULL unless status is ok.
  integers bigint[],
  floats double precision[],
  texts text[] collate "C",
  timestamps timestamp[],
  -- Bit k, counted from the left, is key k.
  bits bit varying,
  -- A Roaring64 bitmap in its portable form, which pg_roaringbitmap takes as roaring::roaringbitmap64.
  roaring bytea,
  constraint "{prefix}entry_once" primary key (backend, partition_key, hash),
  constraint "{prefix}entry_of_known_key" foreign key (backend, partition_key)
    references "{prefix}partition_key" (backend, name) on delete cascade,
  constraint "{prefix}entry_sha256" check (octet_length(hash) = 32),
  constraint "{prefix}entry_known_status" check (status in ('ok', 'timeout', 'too_large', 'failed'))
);

-- Compressing them again takes time and saves nothing.
alter table "{prefix}entry" alter column roaring set storage external;
