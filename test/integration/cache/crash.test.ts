import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import { hashOf, plainEntry } from '../../support/cache-entries';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import {
  type CrashStore,
  crashSchema,
  entryCount,
  generatedEntry,
  openCrashStore,
  putUntilRefused,
} from '../../support/put-until-killed';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { temporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

const script = require.resolve('../../support/put-until-killed.ts');
/** `npm run test:long` has 100. */
const rounds = Number(process.env['PCACHE_TEST_CRASHES'] ?? 4);
const timeoutMs = 60_000 + rounds * 30_000;

/** The last generation of each entry that was acknowledged. */
type Acknowledged = ReadonlyMap<number, number>;

/** Puts entries and kills whoever does it, or keeps them, after some acknowledgements. */
type PutAndKill = (from: number, acknowledgements: number) => Promise<Acknowledged>;

/** A process of its own puts, and is killed. */
function killingTheWriter(store: CrashStore, isGone: () => Promise<boolean>): PutAndKill {
  return async (from, acknowledgements) => {
    const args = ['--import', 'tsx', script, JSON.stringify(store), String(from)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const last = new Map<number, number>();
    let seen = 0;
    // What was written to the pipe before the kill is still read after it.
    for await (const line of createInterface({ input: child.stdout })) {
      const [entry = NaN, generation = NaN] = line.split(' ').map(Number);
      last.set(entry, generation);
      if (++seen === acknowledgements) child.kill('SIGKILL');
    }
    expect(await exited).toEqual([null, 'SIGKILL']);
    // What it had sent may be carried out after its end.
    await until('the store has noticed', isGone, { deadlineMs: 60_000 });
    return last;
  };
}

/** This process puts, and the server is killed. */
function killingTheServer(
  store: CrashStore,
  kill: () => Promise<void>,
  restart: () => Promise<void>,
): PutAndKill {
  return async (from, acknowledgements) => {
    const last = new Map<number, number>();
    let seen = 0;
    let killed: Promise<void> | undefined;
    {
      await using backend = await openCrashStore(store, () => undefined);
      const put = putUntilRefused(backend, from, (entry, generation) => {
        last.set(entry, generation);
        if (++seen === acknowledgements) killed = kill();
      });
      await expect(put).rejects.toBeInstanceOf(CacheUnavailableError);
      await killed;
    }
    await restart();
    return last;
  };
}

async function losesNothing(store: CrashStore, putAndKill: PutAndKill): Promise<void> {
  let from = 0;
  for (let round = 0; round < rounds; round++) {
    const acknowledged = await putAndKill(from, 1 + ((round * 53) % 230));
    const warnings: string[] = [];
    await using backend = await openCrashStore(store, (message) => warnings.push(message));
    for (let entry = 0; entry < entryCount; entry++) {
      const found = await backend.get('region', hashOf(`entry ${entry}`));
      const last = acknowledged.get(entry) ?? (from > 0 ? from - 1 : undefined);
      if (last === undefined && found === undefined) continue;
      const generation = found?.createdAt ?? -1;
      // One more may have been written than could be acknowledged.
      expect(generation).toBeGreaterThanOrEqual(last ?? 0);
      expect(generation).toBeLessThanOrEqual((last ?? from) + 1);
      expect(plainEntry(found)).toEqual(plainEntry(generatedEntry(entry, generation)));
    }
    expect(warnings).toEqual([]);
    // Brings all entries to one generation again, so that the next round knows what to expect.
    from = Math.max(from, ...acknowledged.values()) + 2;
    await backend.registerPartitionKey('region', 'integer');
    for (let entry = 0; entry < entryCount; entry++) await backend.put(generatedEntry(entry, from - 1));
  }
}

describe(`killed ${rounds} times while entries are put, nothing acknowledged is lost and nothing is half`, () => {
  test(
    'RocksDB: the process that puts',
    async () => {
      await using directory = await temporaryDirectory('crash');
      const store = { kind: 'rocksdb', path: `${directory.path}/cache` } as const;
      await losesNothing(
        store,
        killingTheWriter(store, async () => true),
      );
    },
    timeoutMs,
  );

  const testRedis = hasRedis ? test : test.skip;
  const there = hasRedis ? '' : ' (skipped: there is no redis-server)';
  testRedis.each([['the process that puts'], ['the server']])(
    `Redis with appendonly, appendfsync always: %s${there}`,
    async (victim) => {
      // everysec, the default, acknowledges up to two seconds before it writes.
      await using server = await startRedis([
        ['appendonly', 'yes'],
        ['appendfsync', 'always'],
      ]);
      const store = { kind: 'redis', host: server.host, port: server.port } as const;
      await losesNothing(
        store,
        victim === 'the server'
          ? killingTheServer(
              store,
              () => server.kill(),
              () => server.restart(),
            )
          : killingTheWriter(store, () => hasNoClients(server)),
      );
    },
    timeoutMs,
  );

  test.each([
    ['PostgreSQL', 'the process that puts'],
    ['PostgreSQL', 'the postmaster with all backends'],
    ['PostgreSQL', 'a backend that puts'],
    ['in place', 'the process that puts'],
    ['in place', 'the postmaster with all backends'],
    ['in place', 'a backend that puts'],
  ] as const)(
    '%s: %s',
    async (way, victim) => {
      await using server = await startPostgres();
      const database = await server.createDatabase();
      const connection = server.connectionOptions(database);
      {
        await using pool = openPool(connection);
        await migrate(pool, cacheMigrations(crashSchema));
      }
      const store: CrashStore = { kind: way === 'in place' ? 'in place' : 'postgresql', connection };
      const kinds: Readonly<Record<string, PutAndKill>> = {
        'the process that puts': killingTheWriter(store, () => hasNoBackends(server, database)),
        'the postmaster with all backends': killingTheServer(
          store,
          async () => server.kill(),
          () => server.restart(),
        ),
        'a backend that puts': killingTheServer(
          store,
          () => killBackend(server, database),
          () => untilAccepted(server),
        ),
      };
      const putAndKill = kinds[victim];
      if (putAndKill === undefined) throw new Error(victim);
      await losesNothing(store, putAndKill);
    },
    timeoutMs,
  );
});

async function hasNoClients({ host, port }: RedisServer): Promise<boolean> {
  const admin = new Redis(port, host);
  try {
    const clients = String(await admin.call('CLIENT', 'LIST'));
    return clients.trim().split('\n').length === 1;
  } finally {
    admin.disconnect();
  }
}

async function asked<T>(server: PostgresServer, text: string, values: unknown[]): Promise<T[]> {
  const admin = new Client(server.connectionOptions('postgres'));
  admin.on('error', () => undefined);
  await admin.connect();
  try {
    return (await admin.query<T & Record<string, unknown>>(text, values)).rows;
  } finally {
    await admin.end().catch(() => undefined);
  }
}

async function hasNoBackends(server: PostgresServer, database: string): Promise<boolean> {
  const text = 'select pid from pg_stat_activity where datname = $1';
  return (await asked(server, text, [database])).length === 0;
}

/** One that has an entry in work, or had one last: the postmaster then ends all others, and starts anew by itself. */
async function killBackend(server: PostgresServer, database: string): Promise<void> {
  const text = `select pid from pg_stat_activity where datname = $1 and query ~ '^-- (put-entry|populate-entry|can-populate|begin-writing-run|end-fragment-run)' order by state limit 1`;
  const [found] = await asked<{ pid: number }>(server, text, [database]);
  if (found === undefined) throw new Error('nobody puts');
  process.kill(found.pid, 'SIGKILL');
}

/** After a backend's crash. */
async function untilAccepted(server: PostgresServer): Promise<void> {
  await until(
    'the server has recovered',
    () =>
      asked(server, 'select 1', []).then(
        () => true,
        () => false,
      ),
    { deadlineMs: 60_000 },
  );
}
