-- What the driver matrix asks for: two tables of one partition key, with columns of many types, and one table without the key.
-- Reading them whole takes some milliseconds, reading the regions of one name a fraction of one: a restriction always pays.
create table place (
  id integer primary key,
  region_id integer not null,
  name text not null,
  population bigint not null,
  area numeric(12, 3),
  founded date,
  seen timestamptz not null,
  tags text[] not null,
  info jsonb,
  sign bytea not null
);

insert into place
select i, i / 100,
       case when i % 10007 = 0 then 'Rome' when i % 10009 = 0 then 'Ü€😀' else md5(i::text) end,
       i::bigint * 1000003,
       case when i % 7 = 0 then null else i / 8.0 end,
       case when i % 11 = 0 then null else date '1000-01-01' + i end,
       timestamptz '2020-01-01 00:00:00+00' + i * interval '1 minute',
       array['a' || i % 3, 'b,"' || i % 5],
       case when i % 13 = 0 then null else jsonb_build_object('i', i, 'half', i / 2.0) end,
       decode(md5(i::text), 'hex')
  from generate_series(1, 100000) as i;

create table visit (id integer primary key, place_id integer not null, region_id integer not null, rating float8, at timestamp);

insert into visit
select i, i, i / 100, case when i % 9 = 0 then null when i % 10007 = 0 then 'Infinity' else i / 3.0 end,
       timestamp '2021-01-01' + i * interval '1 second'
  from generate_series(1, 100000) as i;

create index on place (region_id);
create index on visit (region_id);

create table note (id integer generated always as identity primary key, text text unique, amount integer check (amount >= 0));
analyze;
