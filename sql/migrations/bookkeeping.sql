-- bookkeeping: the schema, and the table of what was applied to it.
create schema if not exists "{schema}";

create table if not exists "{schema}"."{migrations}" (
  number integer not null,
  name text not null,
  is_breaking boolean not null,
  applied_at timestamptz not null default pg_catalog.now(),
  constraint "{migrations}_once" primary key (number)
);
