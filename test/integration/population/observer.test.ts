import { Client } from 'pg';
import { MemoryBackend } from '../../../src/cache/backends/memory';
import { openRocksdbBit } from '../../../src/cache/backends/rocksdb-bit';
import type { CacheEntry } from '../../../src/cache/cache-backend';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import type { FragmentOutcome, FragmentSource } from '../../../src/population/fragment-source';
import { Learner } from '../../../src/population/learner';
import { Observer, type ObserverOptions } from '../../../src/population/observer';
import { InProcessQueue } from '../../../src/population/queue/in-process-queue';
import { fragments } from '../../../src/population/queue/work-kind';
import { PostgresqlSource } from '../../../src/population/sources/postgresql';
import { type ControlPool, openPool } from '../../../src/postgres/control-pool';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { makeFragment } from '../../support/make-fragment';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { RecordedPopulation } from '../../support/recorded-population';
import { temporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

/** Can be taken away and brought back. */
class SwitchedBackend extends MemoryBackend {
  isAway = false;
  refusals = 0;

  override describe(...args: Parameters<MemoryBackend['describe']>): ReturnType<MemoryBackend['describe']> {
    return this.#unlessAway(() => super.describe(...args));
  }

  override put(entry: CacheEntry): Promise<void> {
    return this.#unlessAway(() => super.put(entry));
  }

  async #unlessAway<T>(ask: () => Promise<T>): Promise<T> {
    if (!this.isAway) return ask();
    this.refusals += 1;
    throw new CacheUnavailableError('switched', 'it is away');
  }
}

let server: PostgresServer;
let database: string;
let admin: Client;
let pool: ControlPool;
let queue: InProcessQueue<Fragment>;
let backend: SwitchedBackend;
let events: RecordedPopulation;
let learner: Learner;
let observers: Observer[];

beforeAll(async () => {
  server = await startPostgres();
  database = await server.createDatabase();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  admin = new Client(server.connectionOptions(database));
  admin.on('error', () => undefined);
  await admin.connect();
  pool = openPool({ ...server.connectionOptions(database), maxConnections: 4 });
  queue = new InProcessQueue({ kind: fragments, maxAttempts: 2, backoff: { firstMs: 20, maxMs: 100 } });
  backend = new SwitchedBackend({ warn: (message) => console.warn(message) });
  await backend.registerPartitionKey('region', 'integer');
  events = new RecordedPopulation();
  learner = new Learner({ queue, events });
  observers = [];
});
afterEach(async () => {
  for (const observer of observers) await observer.stop();
  expect(await queue.lengths()).toMatchObject({ running: 0 });
  await queue[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
  await pool[Symbol.asyncDispose]();
  await admin.end();
});

function observe(options: Partial<ObserverOptions> = {}, timeoutMs = 20_000): Observer {
  const source = new PostgresqlSource({ pool, timeoutMs, maxKeys: 10 });
  const outageBackoff = { firstMs: 10, maxMs: 50 };
  const observer = new Observer({
    queue,
    source,
    backend,
    events,
    concurrency: 2,
    outageBackoff,
    ...options,
  });
  observers.push(observer);
  observer.start();
  return observer;
}

async function entryFor(fragment: Fragment): Promise<CacheEntry> {
  return until('there is an entry', () => backend.get(fragment.partitionKey, fragment.hash));
}

async function activeRuns(): Promise<number> {
  const { rows } = await admin.query(
    `select count(*)::int as n from pg_stat_activity where query like '%fetch forward%' and state = 'active' and pid <> pg_backend_pid()`,
  );
  return rows[0].n;
}

async function terminateRuns(): Promise<void> {
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where query like '%fetch forward%' and pid <> pg_backend_pid()`,
  );
}

const sleeping = 'select 1 from (select pg_sleep(600)) s';

test('what is learned becomes an entry with keys, snapshot and times', async () => {
  observe();
  const fragment = makeFragment('values (3), (1), (null), (2)');
  learner.learn([fragment]);
  const entry = await entryFor(fragment);
  expect(entry).toMatchObject({ status: 'ok', keyCount: 3, hasNullKey: true, error: undefined, fragment });
  expect([...entry.keys!.values()]).toEqual([1n, 2n, 3n]);
  expect(entry.snapshot).toMatch(/^\d+:\d+:/);
  expect(Math.abs(Date.now() - entry.createdAt)).toBeLessThan(10_000);
  expect(entry.computeMs).toBeGreaterThan(0);
  await until('the run is reported', () => events.runs.length === 1);
  expect(events.starts).toEqual([fragment]);
  expect(events.runs[0]).toMatchObject({ fragment, status: 'ok', keyCount: 3, error: undefined });
});

test('no key at all is an entry too (rule S10)', async () => {
  observe();
  const fragment = makeFragment('select 1 where false');
  learner.learn([fragment]);
  expect(await entryFor(fragment)).toMatchObject({ status: 'ok', keyCount: 0, hasNullKey: false });
});

test('a key the cache has no room for makes a failed entry that says so, and the queue goes on', async () => {
  await using directory = await temporaryDirectory('bits');
  await using bits = await openRocksdbBit({ path: directory.path, bits: 8, warn: () => undefined });
  await bits.registerPartitionKey('region', 'integer');
  const observer = observe({ backend: bits });
  const [outside, inside] = [makeFragment('values (3), (-1)'), makeFragment('values (7), (0)')];
  learner.learn([outside, inside]);
  const failed = await until('there is a failure', () => bits.get('region', outside.hash));
  expect(failed).toMatchObject({ status: 'failed', error: expect.stringContaining('from 0 to 7, not -1') });
  const found = await until('there is an entry', () => bits.get('region', inside.hash));
  expect([...found.keys!.values()]).toEqual([0n, 7n]);
  await observer.stop();
});

test('20 requests at once for the same fragment: one run', async () => {
  observe({ concurrency: 4 });
  const fragment = makeFragment('select 1 from (select pg_sleep(0.1)) s');
  await Promise.all(Array.from({ length: 20 }, async () => learner.learn([fragment])));
  await entryFor(fragment);
  learner.learn([fragment]);
  await until('the last request is settled', async () => {
    const { waiting, running } = await queue.lengths();
    return waiting + running === 0;
  });
  expect(events.runs).toHaveLength(1);
});

test('no more run at the same time than concurrency allows', async () => {
  observe({ concurrency: 2 });
  learner.learn(
    Array.from({ length: 5 }, (_, n) => makeFragment(`select ${n} from (select pg_sleep(600)) s`)),
  );
  await until('two run', async () => (await activeRuns()) === 2);
  expect(await queue.lengths()).toMatchObject({ running: 2, waiting: 3 });
});

test.each([
  ['a time-out', sleeping, 'timeout', /statement timeout/],
  ['too many keys', 'select generate_series(1, 11)', 'too_large', /more than 10 keys/],
  ['an error of the server', 'select 1 / 0', 'failed', /division by zero/],
])('%s is recorded, and not tried again before its back-off', async (_, sql, status, error) => {
  observe({}, 200);
  const fragment = makeFragment(sql);
  learner.learn([fragment]);
  expect(await entryFor(fragment)).toMatchObject({
    status,
    failures: 1,
    keys: undefined,
    keyCount: 0,
    error: expect.stringMatching(error),
  });
  await until('the run is settled', async () => (await queue.lengths()).running === 0);
  learner.learn([fragment]);
  await until('it is skipped', () => events.skips.length > 0);
  expect(events.skips).toEqual([{ fragment, reason: 'failed_before' }]);
  expect(events.runs).toHaveLength(1);
  expect(await queue.lengths()).toMatchObject({ waiting: 0, delayed: 0, dead: 0 });
});

test('a failure is tried again after its back-off, counted on, and in the end left alone', async () => {
  observe({ retryPolicy: { firstMs: 1, maxMs: 5, maxFailures: 3 } });
  const fragment = makeFragment('select 1 / 0');
  await until('it is left alone', () => {
    learner.learn([fragment]);
    return events.runs.length === 3 && events.skips.length > 20;
  });
  expect(await entryFor(fragment)).toMatchObject({ status: 'failed', failures: 3 });
  expect(events.runs).toHaveLength(3);
});

test('a fragment that works at last has keys, and no count of failures', async () => {
  observe({ retryPolicy: { firstMs: 1, maxMs: 5, maxFailures: 100 } });
  const fragment = makeFragment('select n from public.late');
  learner.learn([fragment]);
  expect(await entryFor(fragment)).toMatchObject({ status: 'failed' });
  await admin.query('create table late as select 5 as n');
  const entry = await until('it works', async () => {
    learner.learn([fragment]);
    const latest = await entryFor(fragment);
    return latest.status === 'ok' && latest;
  });
  expect(entry.failures ?? 0).toBe(0);
});

test('a connection lost in mid-run: tried again; lost again and again: failed', async () => {
  observe({ concurrency: 1 });
  const fragment = makeFragment(sleeping);
  learner.learn([fragment]);
  for (let n = 0; n < 2; n++) {
    await until('it runs', async () => (await activeRuns()) === 1);
    await terminateRuns();
    await until('the loss is noticed', () => events.runs.length === n + 1);
  }
  expect(events.runs.map(({ status }) => status)).toEqual(['unavailable', 'unavailable']);
  expect(await entryFor(fragment)).toMatchObject({ status: 'failed', failures: 1 });
  await until('it is a dead letter', async () => (await queue.lengths()).dead === 1);
});

test('the database is away: nothing is recorded, nothing lost, and it goes on afterwards', async () => {
  await server.crash();
  observe();
  const fragment = makeFragment('select 4');
  learner.learn([fragment]);
  await until('several attempts have failed', () => events.runs.length > 5);
  expect(new Set(events.runs.map(({ status }) => status))).toEqual(new Set(['unavailable']));
  expect(await backend.get('region', fragment.hash)).toBeUndefined();
  await server.restart();
  expect(await entryFor(fragment)).toMatchObject({ status: 'ok', keyCount: 1 });
});

test('the cache is away, before or after the run: the work is kept, and run once', async () => {
  backend.isAway = true;
  observe();
  const fragment = makeFragment('select 1 from (select pg_sleep(0.3)) s');
  learner.learn([fragment]);
  await until('the cache was asked in vain', () => backend.refusals > 2);
  expect(events.troubles[0]).toMatchObject({ message: 'the cache does not answer' });
  backend.isAway = false;
  await until('it runs', async () => (await activeRuns()) === 1);
  backend.isAway = true;
  const refusals = backend.refusals;
  await until('the entry could not be put', () => backend.refusals > refusals + 2);
  backend.isAway = false;
  expect(await entryFor(fragment)).toMatchObject({ status: 'ok' });
  expect(events.runs).toHaveLength(1);
});

test('an entry the cache will not take is buried, not tried for ever', async () => {
  observe();
  learner.learn([makeFragment('select 1', { partitionKey: 'unregistered' })]);
  await until('it is a dead letter', async () => (await queue.lengths()).dead === 1);
  expect(events.troubles.length).toBe(2);
});

test('a source that breaks its promise fails the fragment and does not end the worker', async () => {
  const broken: FragmentSource = {
    name: 'broken',
    run: (fragment): Promise<FragmentOutcome> =>
      fragment.sql === 'broken'
        ? Promise.reject(new Error('unforeseen'))
        : Promise.resolve({ status: 'ok', keys: [], hasNullKey: false, snapshot: '1:1:' }),
  };
  observe({ source: broken, concurrency: 1 });
  const [bad, good] = [makeFragment('broken'), makeFragment('good')];
  learner.learn([bad, good]);
  expect(await entryFor(bad)).toMatchObject({ status: 'failed', error: 'unforeseen' });
  expect(await entryFor(good)).toMatchObject({ status: 'ok' });
});

test('stop ends what runs on the server, and keeps it in the queue', async () => {
  const observer = observe();
  learner.learn([makeFragment(sleeping)]);
  await until('it runs', async () => (await activeRuns()) === 1);
  await observer.stop();
  expect(await activeRuns()).toBe(0);
  expect(events.runs.map(({ status }) => status)).toEqual(['aborted']);
  expect(await queue.lengths()).toMatchObject({ waiting: 1, delayed: 0, running: 0, dead: 0 });
  expect(() => observer.start()).toThrow('started before');
});

test('stop while idle, while paused, and while the cache is away', async () => {
  await observe().stop();
  const paused = observe();
  paused.pause();
  await paused.stop();
  backend.isAway = true;
  const kept = observe({ outageBackoff: { firstMs: 600_000, maxMs: 600_000 } });
  learner.learn([makeFragment('select 1')]);
  await until('the cache was asked', () => backend.refusals > 0);
  await kept.stop();
  expect(await queue.lengths()).toMatchObject({ waiting: 1, running: 0 });
});

test('pause lets the running one end and begins no other until resume', async () => {
  const observer = observe({ concurrency: 1 });
  const [first, second] = [makeFragment('select 1 from (select pg_sleep(0.3)) s'), makeFragment('select 2')];
  learner.learn([first, second]);
  await until('the first runs', async () => (await activeRuns()) === 1);
  observer.pause();
  expect(observer.isPaused).toBe(true);
  await entryFor(first);
  await until('the first is settled', async () => (await queue.lengths()).running === 0);
  learner.learn([makeFragment('select 3')]);
  expect(await queue.lengths()).toMatchObject({ waiting: 2, running: 0 });
  observer.resume();
  expect(await entryFor(second)).toMatchObject({ status: 'ok' });
});

test('for new keys: what is known stays, and is not looked for again', async () => {
  await admin.query(`create table sale (region_id int, amount int);
    insert into sale values (1, 5), (2, 5)`);
  const sold = makeFragment('select distinct t1.region_id from public.sale t1 where t1.amount = 5');
  const known = observe();
  learner.learn([sold]);
  expect([...((await entryFor(sold)).keys?.values() ?? [])]).toEqual([1n, 2n]);
  await known.stop();

  await admin.query(
    `insert into sale values (3, 5), (null, 5), (4, 6); delete from sale where region_id = 1`,
  );
  observe({ isForced: true, isForNewKeys: true });
  learner.learn([sold]);
  const entry = await until('it has been run again', async () => {
    const found = await backend.get(sold.partitionKey, sold.hash);
    return found?.keyCount === 3 ? found : undefined;
  });
  expect(entry).toMatchObject({ status: 'ok', hasNullKey: true });
  expect(new Set(entry.keys?.values())).toEqual(new Set([1n, 2n, 3n]));
});
