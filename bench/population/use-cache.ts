import { Client } from 'pg';
import { MemoryBackend } from '../../src/cache/backends/memory';
import { Directory } from '../../src/cache/directory';
import { narrowedFragment } from '../../src/engine/narrowed-fragment';
import { splitQuery } from '../../src/engine/split-query';
import { entryOfRun } from '../../src/population/run-entry';
import { PostgresqlSource } from '../../src/population/sources/postgresql';
import { readCatalog } from '../../src/postgres/catalog/read-catalog';
import { readDatabaseIdentity } from '../../src/postgres/catalog/read-database-identity';
import { openPool } from '../../src/postgres/control-pool';
import { loadParser } from '../../src/query/ast/parser';
import type { Fragment } from '../../src/query/fragment/fragment';
import type { PartitionKey } from '../../src/query/partition-key';
import { startPostgres } from '../../test/support/postgres-server';
import { median } from '../statistics';

const places = 1_000_000;
const keys = 2_000;
const rounds = 5;
const methods = ['off', 'auto', 'inline', 'in_subquery'] as const;
type Method = (typeof methods)[number];
const never = new AbortController().signal;
const partitionKey: PartitionKey & { readonly maxKeyShare: number } = {
  name: 'region',
  datatype: 'integer',
  tables: new Map([['public.place', 'region_id']]),
  maxKeyShare: 1,
};

/** From few keys that are known to many. */
const questions = [
  ['rare', `a.kind < 3 and b.kind between 1000 and 1002`],
  ['one of them rare', `a.kind < 3 and b.kind > 2000`],
  ['frequent', `a.kind < 300 and b.kind between 1000 and 1300`],
] as const;

/** What it takes to run a fragment of two tables whose parts are known, restricted by them in each way, and not. */
export async function measureUseOfCache(): Promise<void> {
  await loadParser();
  await using server = await startPostgres();
  const connection = server.connectionOptions(await server.createDatabase());
  const client = new Client(connection);
  await client.connect();
  await client.query(`
    create table place (id int primary key, region_id int not null, kind int not null, x float8 not null);
    insert into place select i, i % ${keys}, (i * 7919::bigint) % 5003, (i * 104729::bigint) % 100000 from generate_series(1, ${places}) i;
    create index on place (region_id);
    create index on place (kind);`);
  await client.query('vacuum analyze place');
  await client.end();
  await using pool = openPool(connection);
  const catalog = await readCatalog(pool, [partitionKey]);
  const databaseIdentity = await readDatabaseIdentity(pool);
  console.log(
    `\n${places} places of ${keys} regions; milliseconds to run the fragment of both tables, its parts known`,
  );
  for (const [name, condition] of questions) {
    const query = `select * from place a join place b on a.region_id = b.region_id
      where ${condition} and abs(a.x - b.x) < 50`;
    const split = await splitQuery(
      { query, partitionKey: 'region', datatype: 'integer' },
      { pool, catalog, databaseIdentity, partitionKeys: [partitionKey] },
    );
    if ('refused' in split) throw new Error(split.refused);
    const [whole, ...parts] = [...split.fragments].sort((a, b) => b.tables.length - a.tables.length);
    if (whole?.tables.length !== 2 || parts.length === 0) throw new Error('no fragment of two tables');
    const directory = new Directory();
    await using backend = new MemoryBackend({ warn: (message) => console.error(message) });
    await backend.registerPartitionKey('region', 'integer');
    const source = (method: Method): PostgresqlSource =>
      new PostgresqlSource({
        ...{ pool, timeoutMs: 600_000, maxKeys: 1_000_000 },
        ...(method === 'off'
          ? {}
          : {
              narrowed: (fragment: Fragment) =>
                narrowedFragment(fragment, {
                  ...{ backend, directory, catalog: () => catalog, partitionKeys: [partitionKey], method },
                }),
            }),
      });
    for (const part of parts.filter(({ tables }) => tables.length === 1)) {
      const { outcome } = await timed(source('off'), part);
      const entry = entryOfRun(part, outcome, { failuresBefore: 0, computeMs: 1, now: Date.now() });
      await backend.put(entry);
      directory.put(entry);
    }
    const times = new Map(methods.map((method) => [method, [] as number[]]));
    let keysFound: number | undefined;
    for (let round = 0; round < rounds; round++)
      for (const method of methods) {
        const { outcome, ms } = await timed(source(method), whole);
        keysFound ??= outcome.keys.length;
        if (outcome.keys.length !== keysFound) throw new Error(`${method}: other keys`);
        times.get(method)?.push(ms);
      }
    const cells = methods.map((method) => `${method} ${median(times.get(method) ?? []).toFixed(1)}`);
    console.log(`  ${name}: ${cells.join(', ')}; ${keysFound} keys`);
  }
}

async function timed(source: PostgresqlSource, fragment: Fragment) {
  const startedAt = performance.now();
  const outcome = await source.run(fragment, never);
  if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
  return { outcome, ms: performance.now() - startedAt };
}
