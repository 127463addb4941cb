import { Client } from 'pg';
import { openPostgresqlArray } from '../../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { Observer } from '../../../src/population/observer';
import { InProcessQueue } from '../../../src/population/queue/in-process-queue';
import { fragments } from '../../../src/population/queue/work-kind';
import { PostgresqlSource } from '../../../src/population/sources/postgresql';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import { makeFragment } from '../../support/make-fragment';
import { startPostgres } from '../../support/postgres-server';
import { RecordedPopulation } from '../../support/recorded-population';
import { until } from '../../support/until';

const schema = { schema: 'pcache', tablePrefix: 'cache_' };

test('an entry that the store takes in no attempt is a failure, and the worker goes on to the next', async () => {
  await using server = await startPostgres();
  const options = server.connectionOptions(await server.createDatabase());
  await using pool = openPool(options);
  await migrate(pool, cacheMigrations(schema));
  const admin = new Client(options);
  await admin.connect();
  // As a limit of a value's size is, or a time limit that is too short for it; of what is smaller, everything can be stored.
  await admin.query('alter table pcache.cache_entry add constraint small check (key_count <= 3)');
  await using backend = await openPostgresqlArray({ pool: openPool(options), schema, warn: () => undefined });
  await backend.registerPartitionKey('region', 'integer');
  await using queue = new InProcessQueue({ kind: fragments });
  const events = new RecordedPopulation();
  await using observer = new Observer({
    ...{ queue, backend, events, concurrency: 1, outageBackoff: { firstMs: 10, maxMs: 50 } },
    source: new PostgresqlSource({ pool, timeoutMs: 20_000, maxKeys: 100 }),
  });
  const [large, small] = [4, 3].map((keys) => makeFragment(`select generate_series(1, ${keys})`));
  if (large === undefined || small === undefined) throw new Error('there are two fragments');
  await queue.push([
    { work: large, priority: 2 },
    { work: small, priority: 1 },
  ]);
  observer.start();
  await until('both are done', async () => {
    const { waiting, running } = await queue.lengths();
    return waiting + running === 0;
  });
  expect(await backend.get('region', small.hash)).toMatchObject({ status: 'ok', keyCount: 3 });
  const refused = await backend.get('region', large.hash);
  expect(refused).toMatchObject({ status: 'failed', failures: 1 });
  expect(refused?.error).toMatch(/violates check constraint "small"/);
  expect(events.troubles).toHaveLength(2);
  await admin.end();
});
