import { Client, type QueryResult } from 'pg';
import { type CacheHelper, generateAllQueryHashPairs } from '../../src';
import { type ConnectionOptions, type PostgresServer, startPostgres } from './postgres-server';

/** Cities with points of interest and streets, most of which have nothing that is looked for. */
const schema = `
  create table city (city_id integer primary key, name text not null);
  create table poi (id integer primary key, city_id integer, name text not null, type text not null, area integer not null,
                    x integer not null, y integer not null);
  create table street (id integer primary key, city_id integer not null, name text not null, x integer not null, y integer not null);
  insert into city select i, 'City ' || i from generate_series(1, 60) as i;
  insert into poi
    select i, case when i % 97 = 0 then null else 1 + i % 60 end, 'Place ' || i,
           (array['park', 'school', 'library', 'museum'])[1 + i % 4], (i * 37) % case when i % 60 < 6 then 2000 else 1900 end, (i * 13) % 1000, (i * 7) % 1000
      from generate_series(1, 6000) as i;
  insert into poi values (6001, null, 'Nowhere', 'park', 1999, 1, 1);
  insert into street
    select i, 1 + i % 60, case when i % 60 < 4 then 'Main Street' else 'Street ' || i end, (i * 17) % 1000, (i * 3) % 1000
      from generate_series(1, 3000) as i;
  create index on poi (city_id);
  create index on street (city_id);
  analyze;
`;

/** Two tables, and one. */
export const parks = `
  select p.id, s.id from poi p join street s on p.city_id = s.city_id
   where p.type = 'park' and p.area > 1900 and s.name ilike '%main street%'`;
export const large = `select id from poi p where area > 1980`;

/** A database for tests of the library, and a session of a program that uses it. */
export class LibraryDatabase implements AsyncDisposable {
  private constructor(
    readonly server: PostgresServer,
    readonly connection: ConnectionOptions,
    readonly client: Client,
  ) {}

  static async open(): Promise<LibraryDatabase> {
    const server = await startPostgres();
    const connection = server.connectionOptions(await server.createDatabase());
    const client = new Client(connection);
    await client.connect();
    await client.query(schema);
    return new LibraryDatabase(server, connection, client);
  }

  /** Gives a cache the keys of a query's fragments, computed by hand. */
  async learn(query: string, cacheHandler: CacheHelper): Promise<void> {
    for (const pair of await generateAllQueryHashPairs({ query, cacheHandler })) {
      const { rows } = await this.client.query<[number | null]>({ text: pair.query, rowMode: 'array' });
      await cacheHandler.setSet(
        pair.hash,
        rows.map(([key]) => key),
      );
    }
  }

  /** The rows of a text in an order of their own; of several statements those of the `nth`. */
  async rows(text: string, nth = 0): Promise<readonly string[]> {
    const results = (await this.client.query({ text, rowMode: 'array' })) as unknown as
      QueryResult | QueryResult[];
    const result = Array.isArray(results) ? results[nth] : results;
    return (result?.rows ?? []).map((row) => JSON.stringify(row)).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
    await this.server[Symbol.asyncDispose]();
  }
}
