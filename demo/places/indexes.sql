-- What anybody with these tables would have; made after loading, which is faster.

create index place_region on place (region_id);
create index place_country on place (country);
create index place_feature on place (feature_code);
create index place_population on place (population);
create index place_location on place using gist (location);
