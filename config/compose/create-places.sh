#!/bin/sh
# Run once by the postgres image, when its data directory is new: the tables of pcache.example.yaml with some invented
# rows, and the role pcache reads them with.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$PCACHE_CONTROL_PASSWORD" --username "$POSTGRES_USER" --dbname places <<'SQL'
create role pcache login password :'password';

create table region (region_id integer primary key, name text not null);
create table place (
  place_id   integer primary key,
  region_id  integer not null references region,
  name       text not null,
  population bigint not null
);

insert into region select id, 'region ' || id from generate_series(1, 2000) as id;
insert into place
select id, 1 + id % 2000, 'place ' || id, (id * 7919::bigint) % 1000003
  from generate_series(1, 200000) as id;

create index place_region_id on place (region_id);
grant select on region, place to pcache;
analyze;
SQL
