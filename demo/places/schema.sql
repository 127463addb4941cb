-- The places of GeoNames with more than 1,000 people or a seat of government, and the regions they belong to.

create extension cube;
create extension earthdistance;

create table region (
  region_id   int  primary key,
  country     text not null,
  admin_code  text not null,
  -- Of its seat of government, or else of its largest place: the data names no regions.
  name        text not null,
  constraint region_is_named_once unique (country, admin_code)
);

create table place (
  place_id      int              primary key,
  region_id     int              not null references region,
  name          text             not null,
  country       text             not null,
  feature_code  text             not null,
  population    bigint           not null,
  latitude      double precision not null,
  longitude     double precision not null,
  location      earth            not null
);

comment on column region.admin_code is 'First-level administrative division, by GeoNames; the empty string where there is none.';
comment on column place.feature_code is 'PPLC: capital, PPLA: seat of a first-level region, PPLA2, PPLA3: of lower ones, PPL: other places, PPLX: part of a place.';
