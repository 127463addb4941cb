import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { Random } from '../oracle/random';
import { connected, reads, romes, write } from '../support/changing-data';
import { multiset } from '../support/engine-harness';
import { PcacheProcess } from '../support/pcache-process';
import { ProxiedDatabase } from '../support/proxied-database';
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server';
import { until } from '../support/until';

/** Kills, each of another process in turn; `npm run test:long` has more. */
const kills = Number(process.env['PCACHE_TEST_EXACT_KILLS'] ?? 4);

const suite = hasRedis ? describe : describe.skip;

suite('an exact key while processes are killed (needs redis-server)', () => {
  let redis: RedisServer;
  let database: ProxiedDatabase;
  let observer: PcacheProcess;

  beforeAll(async () => {
    redis = await startRedis([
      ['appendonly', 'yes'],
      ['appendfsync', 'everysec'],
    ]);
    database = await ProxiedDatabase.start({
      consistency: 'exact',
      cache: { backend: 'redis_set', redis: { addresses: `${redis.host}:${redis.port}` } },
      sections: { queue: { provider: 'redis' } },
    });
    observer = await startObserver();
  });
  afterAll(async () => {
    await observer[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  async function startObserver(): Promise<PcacheProcess> {
    const environment = { PASSWORD: 'sesame' };
    const started = new PcacheProcess(['observer', '--config', database.configFile], { environment });
    await started.logged('observing');
    return started;
  }

  const victims: readonly (readonly [string, () => Promise<void>])[] = [
    ['the proxy', () => database.restartProgram()],
    [
      'the server',
      async () => {
        await database.server.kill();
        await database.server.restart();
      },
    ],
    [
      'the store',
      async () => {
        await redis.kill();
        await redis.restart();
      },
    ],
    [
      'the observer',
      async () => {
        await observer[Symbol.asyncDispose]();
        observer = await startObserver();
      },
    ],
  ];

  /** Connects again whenever it is cut off, until told to stop. */
  async function keepDoing(
    connection: () => object,
    work: (client: Client) => Promise<void>,
    isOver: () => boolean,
  ): Promise<void> {
    while (!isOver()) {
      const client = new Client(connection());
      // Whoever waits for an answer is told as well.
      client.on('error', () => undefined);
      try {
        await client.connect();
        while (!isOver()) await work(client);
      } catch (error) {
        if (!isCut(error)) throw error;
        await delay(20);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  const compare = async (): Promise<void> => {
    const [direct, through] = [new Client(database.direct), new Client(database.through)];
    await Promise.all([direct.connect(), through.connect()]);
    try {
      await direct.query('begin isolation level repeatable read read only');
      const { rows } = await direct.query('select pg_export_snapshot() as name');
      await through.query('begin isolation level repeatable read read only');
      await through.query(`set transaction snapshot '${String(rows[0].name)}'`);
      for (const text of reads) {
        const query = { text, rowMode: 'array' } as const;
        const expected = multiset(await direct.query<unknown[]>(query));
        const found = multiset(await through.query<unknown[]>(query));
        expect({ text, rows: found }).toEqual({ text, rows: expected });
      }
    } finally {
      await Promise.all([direct.end(), through.end()]);
    }
  };

  const untilRestricted = (): Promise<unknown> =>
    until(
      'all statements are restricted',
      async () => {
        const before = await database.hits();
        await using session = await connected(database.through);
        for (const text of reads) await session.client.query(text);
        return (await database.hits()) - before >= reads.length;
      },
      { deadlineMs: 60_000 },
    );

  test(`every answer is the server's, before, during and after ${kills} kills`, async () => {
    await untilRestricted();
    for (let kill = 0; kill < kills; kill++) {
      const [name, killAndRestart] = victims[kill % victims.length] ?? ['', () => Promise.resolve()];
      const random = new Random(kill);
      const done = { writes: 0, reads: 0 };
      let isOver = false;
      const working = Promise.all([
        keepDoing(
          () => database.direct,
          async (client) => {
            await write(client, random);
            done.writes++;
          },
          () => isOver,
        ),
        keepDoing(
          () => database.through,
          async (client) => {
            const { rows } = await client.query(reads[0] ?? '');
            expect({ name, rows: rows.length }).toEqual({ name, rows: romes });
            done.reads++;
          },
          () => isOver,
        ),
      ]);
      const untilMore = (): Promise<unknown> => {
        const { writes, reads: readsBefore } = done;
        const isMore = (): boolean => done.writes > writes + 5 && done.reads > readsBefore + 5;
        return Promise.race([until(`work goes on with ${name}`, isMore, { deadlineMs: 60_000 }), working]);
      };
      try {
        await untilMore();
        await killAndRestart();
        await untilMore();
      } finally {
        isOver = true;
      }
      await working;
      await compare();
      await untilRestricted();
      await compare();
    }
  }, 600_000);
});

/** The connection ended, or could not be made: what is to be expected of a process that is killed. */
function isCut(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '' } = error as Error & { readonly code?: string };
  return /^(ECONN|EPIPE|57P|08)/.test(code) || /terminated|closed|timeout|not queryable/i.test(error.message);
}
