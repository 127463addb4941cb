import { Client } from 'pg';
import { multiset } from '../support/engine-harness';
import { PcacheProcess } from '../support/pcache-process';
import { ProxiedDatabase } from '../support/proxied-database';
import { parseMetrics } from '../support/prometheus-text';
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server';
import { until } from '../support/until';

const suite = hasRedis ? describe : describe.skip;
const environment = { PASSWORD: 'sesame' };
const texts = Array.from(
  { length: 24 },
  (_, i) => `select id, region_id from place where name = 'Rome' and id > ${i}`,
);

suite('two proxies and two observers over one Redis (needs redis-server)', () => {
  let redis: RedisServer;
  let database: ProxiedDatabase;
  let secondProxy: PcacheProcess;
  let observers: readonly PcacheProcess[];
  let second: { readonly port: number; readonly adminPort: number };
  let expected: readonly (readonly string[])[];

  beforeAll(async () => {
    redis = await startRedis();
    database = await ProxiedDatabase.start({
      cache: { backend: 'redis_set', redis: { addresses: `${redis.host}:${redis.port}` } },
      population: { run_by: 'observer' },
      sections: { queue: { provider: 'redis', lease_ms: 2_000 } },
    });
    secondProxy = new PcacheProcess(['proxy', '--config', database.configFile], { environment });
    observers = [0, 1].map(
      () => new PcacheProcess(['observer', '--config', database.configFile], { environment }),
    );
    const { listen, admin } = (await secondProxy.logged('accepting connections')) as unknown as Addresses;
    second = { port: listen.port, adminPort: admin.port };
    for (const observer of observers) await observer.logged('observing');
    expected = await answers(database.direct, texts);
  });
  afterAll(async () => {
    for (const each of [...observers, secondProxy]) await each[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  interface Addresses {
    readonly listen: { readonly port: number };
    readonly admin: { readonly port: number };
  }

  const answers = async (connection: object, asked: readonly string[]): Promise<readonly string[][]> => {
    const client = new Client(connection);
    await client.connect();
    const found: string[][] = [];
    for (const text of asked)
      found.push([...multiset(await client.query<unknown[]>({ text, rowMode: 'array' }))]);
    await client.end();
    return found;
  };
  const throughSecond = (): object => ({ ...database.direct, port: second.port });
  const hitsOfSecond = async (): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${second.adminPort}/metrics`);
    return parseMetrics(await response.text()).get('pcache_statements_total{outcome="hit"}') ?? 0;
  };

  test('what one proxy asks for, any observer learns, and the other proxy knows', async () => {
    const asked = texts.slice(0, 4);
    await until(
      'the first proxy restricts',
      async () => {
        const before = await database.hits();
        expect(await answers(database.through, asked)).toEqual(expected.slice(0, 4));
        return (await database.hits()) === before + asked.length;
      },
      { deadlineMs: 60_000 },
    );
    await until('the second knows', async () => {
      const before = await hitsOfSecond();
      expect(await answers(throughSecond(), asked)).toEqual(expected.slice(0, 4));
      return (await hitsOfSecond()) === before + asked.length;
    });
  });

  test('a proxy and an observer are killed in the middle of it: nothing that was asked for is lost', async () => {
    const first = new Client(database.through);
    first.on('error', () => undefined);
    await first.connect();
    // It has handed in all that it was asked, and its last answer has not come yet.
    for (const text of texts.slice(0, -1)) await first.query(text);
    const last = first.query(`${texts.at(-1)} and pg_sleep(60) is not null`).catch((error: unknown) => error);
    observers[0]?.send('SIGKILL');
    await database.killProgram();
    expect(await last).toBeInstanceOf(Error);
    // Its statements are asked once each of the other proxy, which is not to have them learned again.
    expect(await answers(throughSecond(), texts)).toEqual(expected);
    await until(
      'the second restricts all of them',
      async () => {
        const before = await hitsOfSecond();
        expect(await answers(throughSecond(), texts)).toEqual(expected);
        return (await hitsOfSecond()) === before + texts.length;
      },
      { deadlineMs: 60_000 },
    );
    expect(secondProxy.complaints).toEqual([]);
  });
});
