-- Points of interest of a made-up country, the same ones each time: 7,878 zip codes in 414 districts, each with some towns, around whose
-- centres the places crowd as they do around real ones. The number of places is the setting poi.points. Coordinates are metres.
set max_parallel_workers_per_gather = 0;
select setseed(0.42);

create function pg_temp.normal() returns float8 language sql volatile as
  $$ select sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) $$;

create temporary table district as
select d as district, 640000 * random() as x, 870000 * random() as y from generate_series(1, 414) as d;

create temporary table zip as
select z as zip, d.district, d.x + 9000 * pg_temp.normal() as x, d.y + 9000 * pg_temp.normal() as y,
       exp(0.7 * pg_temp.normal()) as weight
  from generate_series(1, 7878) as z join district d on d.district = 1 + (z - 1) * 414 / 7878
 order by z;

create temporary table town as
select row_number() over (partition by z.zip) as town, z.zip, z.district, z.weight,
       z.x + 2000 * pg_temp.normal() as x, z.y + 2000 * pg_temp.normal() as y, 200 + 600 * random() as radius
  from zip z, generate_series(1, 4) as t
 order by z.zip, t;

-- Of a thousand places so many are of a kind; the rest is what nobody asks for.
create temporary table kind as
select kind, sum(share) over (order by kind) - share as low, sum(share) over (order by kind) as high, words
  from (values ('ice_cream', 4.0, 'Eiscafé Venezia'), ('supermarket', 9.0, 'Markt'), ('discount_supermarket', 5.0, 'Discount'),
               ('pharmacy', 7.0, 'Apotheke'), ('hospital', 0.6, 'Klinikum'), ('cinema', 0.7, 'Lichtspiele'), ('bakery', 14.0, 'Bäckerei'),
               ('school', 12.0, 'Schule'), ('hotel', 9.0, 'Hotel'), ('restaurant', 45.0, 'Ristorante'), ('bar', 11.0, 'Bar'),
               ('theatre', 0.8, 'Theater'), ('casino', 0.4, 'Casino'), ('museum', 4.0, 'Museum'), ('library', 2.5, 'Bücherei'),
               ('charging_station', 8.0, 'Ladesäule'), ('bicycle_shop', 2.0, 'Radhaus'), ('kindergarten', 13.0, 'Kita')) as k (kind, share, words);

create table poi (
  id integer not null,
  kind text not null,
  name text not null,
  opening_hours text,
  wheelchair boolean,
  seats integer,
  zip integer not null,
  district integer not null,
  geom geometry(Point, 25832) not null
);

-- In the order of places along a Hilbert curve, as osm2pgsql leaves its tables.
insert into poi
select row_number() over (), coalesce(k.kind, case when p.r < 500 then 'parking' when p.r < 750 then 'bench' else 'tree' end),
       coalesce(k.words || ' ', '') || p.n, case when p.r2 < 0.04 then '24/7' when p.r2 < 0.5 then 'Mo-Sa 08:00-20:00' end,
       case when p.r3 < 0.4 then true when p.r3 < 0.7 then false end, (200 * p.r2 * p.r3)::integer,
       p.zip, p.district, p.geom
  from (select t.zip, t.district, n, 1000 * random() as r, random() as r2, random() as r3,
               st_setsrid(st_makepoint(t.x + t.radius * pg_temp.normal(), t.y + t.radius * pg_temp.normal()), 25832) as geom
          from town t,
               generate_series(1, (t.weight * current_setting('poi.points')::float8 / (select 4 * sum(weight) from zip))::integer) as n) p
  left join kind k on p.r >= k.low and p.r < k.high
 order by p.geom;

alter table poi add primary key (id);
create index on poi using gist (geom);
create index on poi (kind);
create index on poi (zip);
create index on poi (district);
vacuum analyze poi;
