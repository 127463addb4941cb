/** A question about the places of the world, and its SQL. */
export interface Question {
  /** Short, for the table. */
  readonly name: string;
  /** What a person would ask. */
  readonly text: string;
  readonly sql: string;
  /** Makes it a prepared statement of the `pg` driver, run with these values. */
  readonly parameters?: readonly unknown[];
}

/**
 * Pairs and triples are always looked for within one region: that is part of each question ("in the same region"), and
 * what makes region_id a partition key. Nobody tunes these to an index: they are what people type.
 */
export const questions: readonly Question[] = [
  {
    name: 'Around Mount Everest',
    text: 'Which places lie within 150 km of the summit?',
    sql: `
select name, country, population
  from place
 where earth_distance(location, ll_to_earth(27.9881, 86.9250)) < 150000`,
  },
  {
    name: 'Palindromes',
    text: 'Which names of more than five letters read the same backwards?',
    sql: `
select name, country
  from place
 where length(name) > 5
   and lower(name) = reverse(lower(name))`,
  },
  {
    name: 'Villages in the metropolis',
    text: 'Where is a place of at most 2,000 people within 5 km of a city of more than a million?',
    sql: `
select city.name as city, village.name as village, village.population
  from place city, place village
 where city.region_id = village.region_id
   and city.population > 1000000
   and village.population between 1 and 2000
   and earth_distance(city.location, village.location) < 5000`,
  },
  {
    name: 'Distant namesakes',
    text: 'Which places have a namesake in their region, but more than 500 km away?',
    sql: `
select a.name, a.country, a.population, b.population as namesake_population
  from place a
  join place b on a.region_id = b.region_id and a.name = b.name and a.place_id < b.place_id
 where earth_distance(a.location, b.location) > 500000`,
  },
  {
    name: 'Equal neighbours',
    text: 'Which neighbours of more than 20,000 people have exactly as many people as each other?',
    sql: `
select a.name, b.name as neighbour, a.population
  from place a
  join place b on a.region_id = b.region_id and a.population = b.population
 where a.place_id < b.place_id
   and a.population > 20000
   and abs(a.latitude - b.latitude) < 0.2
   and abs(a.longitude - b.longitude) < 0.2`,
  },
  {
    name: 'East and West',
    text: 'Which places have both an "East …" and a "West …" within 50 km?',
    sql: `
select middle.name, middle.country
  from place middle, place east, place west
 where middle.region_id = east.region_id
   and middle.region_id = west.region_id
   and east.name = 'East ' || middle.name
   and west.name = 'West ' || middle.name
   and earth_distance(middle.location, east.location) < 50000
   and earth_distance(middle.location, west.location) < 50000`,
  },
  {
    name: 'Three of a name',
    text: 'Where do three places of the same name lie within 30 km of each other?',
    sql: `
select a.name, a.country, a.place_id, b.place_id as second, c.place_id as third
  from place a
  join place b on b.region_id = a.region_id and b.name = a.name and b.place_id > a.place_id
  join place c on c.region_id = b.region_id and c.name = b.name and c.place_id > b.place_id
 where earth_distance(a.location, b.location) < 30000
   and earth_distance(b.location, c.location) < 30000
   and earth_distance(a.location, c.location) < 30000`,
  },
  {
    name: 'Outgrown capitals',
    text: 'Which regions have, within 50 km of their seat of government, a place twenty times its size?',
    sql: `
select region.country, region.name as seat, seat.population, other.name, other.population as other_population
  from region, place seat, place other
 where seat.region_id = region.region_id
   and other.region_id = region.region_id
   and seat.feature_code in ('PPLA', 'PPLC')
   and seat.population > 0
   and other.population > 20 * seat.population
   and earth_distance(seat.location, other.location) < 50000`,
  },
  {
    name: 'Across the equator',
    text: 'In which countries, and how often, do two places face each other across the equator?',
    sql: `
select north.country, count(*) as pairs, min(earth_distance(north.location, south.location)) as nearest
  from place north, place south
 where north.region_id = south.region_id
   and north.latitude >= 0
   and south.latitude < 0
   and north.latitude - south.latitude < 0.3
   and abs(north.longitude - south.longitude) < 0.3
 group by north.country
 order by pairs desc`,
  },
  {
    name: 'Strait of Gibraltar',
    text: 'How near do the countries around the strait come to each other?',
    sql: `
with shore as (
  select country, location
    from place
   where earth_distance(location, ll_to_earth(35.97, -5.49)) < 60000
)
select a.country, b.country as opposite, count(*) as pairs, min(earth_distance(a.location, b.location)) as nearest
  from shore a join shore b on a.country < b.country
 group by a.country, b.country`,
  },
  {
    name: 'Edges of the map',
    text: 'Which places are next to the date line, and which next to a pole?',
    sql: `
select 'date line' as edge, name, country from place where abs(longitude) > 178
union
select 'pole', name, country from place where abs(latitude) > 68`,
  },
  {
    name: 'Remote seats (prepared)',
    text: 'Which seats of government have a place five times their size, more than 500 km away?',
    sql: `
select region.country, seat.name as seat, other.name, other.population
  from region
  join place seat on seat.region_id = region.region_id
  join place other on other.region_id = region.region_id
 where seat.feature_code = $1
   and seat.population > 0
   and other.population > $2 * seat.population
   and earth_distance(seat.location, other.location) > $3`,
    parameters: ['PPLA', 5, 500_000],
  },
];
