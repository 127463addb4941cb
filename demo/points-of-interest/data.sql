-- 300 cities, each 10 km wide, side by side: 60,000 points of interest, 9,000 streets, 1,800 schools. No chance in it.
create extension if not exists postgis;
create table city (city_id int primary key, name text not null, country text not null);
create table pois (id int primary key, city_id int not null, type text not null, area int not null, geom geometry not null);
create table streets (id int primary key, city_id int not null, name text not null, geom geometry not null);
create table schools (school_id int primary key, city_id int not null, type text not null, name text not null);

insert into city
select c, 'City ' || c, (array['France', 'Italy', 'Spain', 'Canada', 'Chile', 'Japan'])[1 + c % 6]
  from generate_series(1, 300) as c;

insert into pois
select c * 1000 + i, c, (array['park', 'museum', 'market', 'theatre'])[1 + i % 4], (i * 37 + c * 101) % 2000,
       st_makepoint(c * 20000 + (i * 7919 + c * 31) % 10000, (i * 104729 + c * 57) % 10000)
  from generate_series(1, 300) as c, generate_series(1, 200) as i;

-- One city in seven has a Main Street; the other names are everywhere.
insert into streets
select c * 1000 + i, c, case when i = 1 and c % 7 = 5 then 'Main Street' else 'Street ' || i end,
       st_makeline(st_makepoint(c * 20000 + (i * 331) % 10000, 0), st_makepoint(c * 20000 + (i * 331) % 10000, 10000))
  from generate_series(1, 300) as c, generate_series(1, 30) as i;

insert into schools
select c * 1000 + i, c, (array['primary', 'secondary'])[1 + i % 2], 'School ' || i
  from generate_series(1, 300) as c, generate_series(1, 6) as i;

create index on pois (city_id);
create index on streets (city_id);
create index on schools (city_id);
analyze;
