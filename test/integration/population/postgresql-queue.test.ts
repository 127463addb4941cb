import { Client } from 'pg';
import { QueueUnavailableError } from '../../../src/errors/queue-unavailable-error';
import { PostgresqlQueue } from '../../../src/population/queue/postgresql/postgresql-queue';
import { queueGrants, queueMigrations } from '../../../src/population/queue/postgresql/queue-schema';
import { fragments, originalQueries } from '../../../src/population/queue/work-kind';
import type { WorkQueue } from '../../../src/population/queue/work-queue';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate, pendingMigrations } from '../../../src/postgres/migrations';
import { makeFragment } from '../../support/make-fragment';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { until } from '../../support/until';
import { describeWorkQueue, type QueueOptions } from '../../support/work-queue-conformance';

const schema = { schema: 'pcache "queue"', tablePrefix: 'app_' };
const never = new AbortController().signal;
const a = makeFragment('select 1');

function open<Work>(
  server: PostgresServer,
  database: string,
  options: QueueOptions<Work>,
  connection: { readonly user?: string; readonly isListening?: boolean; readonly warn?: () => void } = {},
): WorkQueue<Work> {
  const { user, isListening = true, warn = () => undefined } = connection;
  const pool = openPool({
    ...server.connectionOptions(database),
    ...(user === undefined ? {} : { user, password: 'secret' }),
    maxConnections: 3,
  });
  const queue = new PostgresqlQueue({ pool, schema, isListening, warn, ...options });
  const dispose = queue[Symbol.asyncDispose].bind(queue);
  let isDisposed = false;
  // A test may dispose of it before its end.
  queue[Symbol.asyncDispose] = async () => {
    if (isDisposed) return;
    isDisposed = true;
    await dispose();
    await pool[Symbol.asyncDispose]();
  };
  return queue;
}

describeVersions('a queue in PostgreSQL', (binaries) => {
  let server: PostgresServer;
  let database: string;
  let admin: Client;
  beforeAll(async () => {
    server = await startPostgres({ binaries });
    database = await server.createDatabase();
    admin = new Client(server.connectionOptions(database));
    await admin.connect();
    await using pool = openPool(server.connectionOptions(database));
    await migrate(pool, queueMigrations(schema));
  });
  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  describeWorkQueue({
    name: 'postgresql',
    isShared: true,
    clear: async () => {
      await admin.query(`truncate "pcache ""queue""".app_query_fragment_queue, "pcache ""queue""".app_query_fragment_queue_dead,
        "pcache ""queue""".app_original_query_queue, "pcache ""queue""".app_original_query_queue_dead`);
    },
    open: async (options) => open(server, database, options),
  });

  test('original queries have a queue of their own', async () => {
    await using queries = open(server, database, { kind: originalQueries, source: '7000/1' });
    const work = { query: 'select 1', partitionKey: 'region', datatype: 'integer' } as const;
    expect(await queries.push([{ work, priority: 2 }])).toEqual(['added']);
    const { rows } = await admin.query(
      'select query, partition_key, partition_datatype, priority from "pcache ""queue""".app_original_query_queue',
    );
    expect(rows).toEqual([
      { query: 'select 1', partition_key: 'region', partition_datatype: 'integer', priority: 2 },
    ]);
    expect((await queries.claim(never))?.work).toEqual(work);
  });

  test('a queue that only short-lived processes fill is no longer than any other', async () => {
    const options = { kind: fragments, source: '7200/1', maxLength: 10 };
    for (let run = 0; run < 4; run++) {
      await using queue = open(server, database, options, { isListening: false });
      const works = Array.from({ length: 8 }, (_, n) => makeFragment(`select ${run}, ${n}`));
      await queue.push(works.map((work) => ({ work, priority: 1 })));
    }
    await using queue = open(server, database, options, { isListening: false });
    expect((await queue.lengths()).waiting).toBeLessThanOrEqual(20);
  });

  test('what is no fragment becomes a dead letter that says so, and the next one is claimed', async () => {
    await using queue = open(server, database, { kind: fragments, source: '7100/1' });
    await admin.query(`insert into "pcache ""queue""".app_query_fragment_queue
      (source, query, hash, partition_key, partition_datatype, work, priority)
      values ('7100/1', 'select', '\\x00', 'region', 'integer', '{"hash": 1}', 10)`);
    await queue.push([{ work: a, priority: 1 }]);
    expect((await queue.claim(never))?.work).toEqual(a);
    expect(await queue.deadLetters(10)).toMatchObject([{ query: 'select', reason: 'it is no fragment' }]);
  });
});

describe('a queue in PostgreSQL 18', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  async function prepared(): Promise<string> {
    const database = await server.createDatabase();
    await using pool = openPool(server.connectionOptions(database));
    expect(await pendingMigrations(pool, queueMigrations(schema))).toEqual(['0001-queues']);
    expect(await migrate(pool, queueMigrations(schema))).toEqual(['0001-queues']);
    expect(await migrate(pool, queueMigrations(schema))).toEqual([]);
    return database;
  }

  test('without its tables says which command makes them', async () => {
    await using queue = open(server, await server.createDatabase(), { kind: fragments, source: '1/1' });
    await expect(queue.push([{ work: a, priority: 1 }])).rejects.toThrow(/run: pcache manage setup$/);
    await expect(queue.claim(never)).rejects.toThrow(QueueUnavailableError);
  });

  test('without privileges names the command that prints the grants, and works with them', async () => {
    const database = await prepared();
    const admin = new Client(server.connectionOptions(database));
    await admin.connect();
    try {
      await admin.query(`create role "queue ""role""" login password 'secret'`);
      await using queue = open(
        server,
        database,
        { kind: fragments, source: '1/1' },
        { user: 'queue "role"' },
      );
      await expect(queue.push([{ work: a, priority: 1 }])).rejects.toThrow(
        /permission denied.*pcache manage grants/,
      );
      await admin.query(queueGrants(schema, 'queue "role"'));
      expect(await queue.push([{ work: a, priority: 1 }])).toEqual(['added']);
      const lease = await queue.claim(never);
      if (lease === undefined) throw new Error('nothing was claimed');
      expect(await queue.extend(lease)).toBe(true);
      expect(await queue.bury(lease, 'reason')).toBe(true);
      expect(await queue.lengths()).toMatchObject({ dead: 1 });
      expect(await queue.deadLetters(1)).toHaveLength(1);
    } finally {
      await admin.end();
    }
  });

  test('ends a claim at its timeout although the server does not answer, and loses nothing by it', async () => {
    const database = await prepared();
    await using queue = open(server, database, { kind: fragments, source: '1/1' });
    await queue.push([{ work: a, priority: 1 }]);
    server.suspend();
    try {
      // Resolves while the server stands still; it would hang here otherwise.
      expect(await queue.claim(AbortSignal.timeout(100))).toBeUndefined();
    } finally {
      server.resume();
    }
    expect((await queue.claim(never))?.work).toEqual(a);
  });

  test('goes on after a crash of the server, with all that was in it, and hears of new work again', async () => {
    const database = await prepared();
    let warnings = 0;
    await using queue = open(
      server,
      database,
      { kind: fragments, source: '1/1' },
      { warn: () => (warnings += 1) },
    );
    await queue.push([{ work: a, priority: 1 }]);
    const lease = await queue.claim(never);
    if (lease === undefined) throw new Error('nothing was claimed');
    await server.crash();
    await expect(queue.complete(lease)).rejects.toThrow(QueueUnavailableError);
    await expect(queue.claim(never)).rejects.toThrow(QueueUnavailableError);
    await until('it was noticed', () => warnings > 0);
    await server.restart();
    await until('the lease is ended', async () => queue.complete(lease).catch(() => false));
    const waiting = queue.claim(never);
    await using other = open(server, database, { kind: fragments, source: '1/1' });
    await other.push([{ work: a, priority: 1 }]);
    expect((await waiting)?.work).toEqual(a);
  });

  test('without listening finds new work all the same', async () => {
    const database = await prepared();
    await using queue = open(server, database, { kind: fragments, source: '1/1' }, { isListening: false });
    await using other = open(server, database, { kind: fragments, source: '1/1' });
    const waiting = queue.claim(never);
    await other.push([{ work: a, priority: 1 }]);
    expect((await waiting)?.work).toEqual(a);
  });
});
