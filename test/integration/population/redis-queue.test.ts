import { Redis } from 'ioredis';
import { type RedisConnections } from '../../../src/cache/backends/redis/redis-connections';
import { QueueUnavailableError } from '../../../src/errors/queue-unavailable-error';
import { RedisQueue } from '../../../src/population/queue/redis/redis-queue';
import { fragments } from '../../../src/population/queue/work-kind';
import type { WorkQueue } from '../../../src/population/queue/work-queue';
import { makeFragment } from '../../support/make-fragment';
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster';
import { redisOptions } from '../../support/redis-options';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { until } from '../../support/until';
import { describeWorkQueue, type QueueOptions } from '../../support/work-queue-conformance';

const describeThere = hasRedis ? describe : describe.skip;
const never = new AbortController().signal;
const a = makeFragment('select 1');

async function open<Work>(
  connections: RedisConnections,
  options: QueueOptions<Work>,
  isListening = true,
): Promise<WorkQueue<Work>> {
  await connections.connect();
  const queue = new RedisQueue({
    connections,
    keyPrefix: 'pcache:',
    isListening,
    warn: () => undefined,
    ...options,
  });
  const dispose = queue[Symbol.asyncDispose].bind(queue);
  let isDisposed = false;
  // A test may dispose of it before its end.
  queue[Symbol.asyncDispose] = async () => {
    if (isDisposed) return;
    isDisposed = true;
    await dispose();
    await connections[Symbol.asyncDispose]();
  };
  return queue;
}

describeThere('a queue in a single Redis (skipped where there is no redis-server)', () => {
  let server: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.port, server.host);
    admin.on('error', () => undefined);
  });
  afterAll(async () => {
    admin.disconnect();
    await server[Symbol.asyncDispose]();
  });
  const connections = (): RedisConnections => redisOptions({ addresses: [server] }).connections;
  const source = '1/1';

  describeWorkQueue({
    name: 'redis',
    isShared: true,
    clear: async () => {
      await admin.flushall();
    },
    open: (options) => open(connections(), options),
  });

  test('work that the server has evicted is absent, and can be pushed again', async () => {
    await admin.flushall();
    await using queue = await open(connections(), { kind: fragments, source });
    await queue.push([{ work: a, priority: 1 }]);
    await admin.del(`{pcache:query_fragment_queue:1%2F1}:item:${fragments.hashOf(a)}`);
    expect(await queue.claim(AbortSignal.timeout(50))).toBeUndefined();
    expect(await queue.push([{ work: a, priority: 1 }])).toEqual(['added']);
    expect((await queue.claim(never))?.work).toEqual(a);
  });

  test.each(['ready', 'delayed', 'running'])(
    'when the server has evicted all of %s, its work is absent, and can be pushed again',
    async (state) => {
      await admin.flushall();
      await using queue = await open(connections(), { kind: fragments, source });
      await queue.push([{ work: a, priority: 1 }]);
      const lease = state === 'ready' ? undefined : await queue.claim(never);
      if (state === 'delayed' && lease !== undefined) await queue.release(lease, 600_000);
      await admin.del(`{pcache:query_fragment_queue:1%2F1}:${state}`);
      expect(await queue.push([{ work: a, priority: 1 }])).toEqual(['added']);
      expect((await queue.claim(never))?.work).toEqual(a);
    },
  );

  test('of work that lost its workers the latest dead letters are kept only', async () => {
    await admin.flushall();
    const limits = { leaseMs: 1, maxAttempts: 1, maxDead: 3 };
    await using queue = await open(connections(), { kind: fragments, source, ...limits });
    const works = Array.from({ length: 10 }, (_, n) => makeFragment(`select ${n}`));
    await queue.push(works.map((work) => ({ work, priority: 1 })));
    await Promise.all(works.map(() => queue.claim(never)));
    const waiting = queue.claim(AbortSignal.timeout(1_000));
    await until(
      'they are dead',
      async () => (await queue.lengths()).running === 0 && (await queue.lengths()).waiting === 0,
    );
    await waiting;
    expect(await queue.lengths()).toEqual({ waiting: 0, delayed: 0, running: 0, dead: 3 });
    expect(await admin.keys('*:item:*')).toHaveLength(3);
  });

  test('ends a claim at its timeout although the server does not answer, and loses nothing by it', async () => {
    await admin.flushall();
    await using queue = await open(connections(), { kind: fragments, source });
    await queue.push([{ work: a, priority: 1 }]);
    server.process.kill('SIGSTOP');
    try {
      expect(await queue.claim(AbortSignal.timeout(100))).toBeUndefined();
    } finally {
      server.process.kill('SIGCONT');
    }
    expect((await queue.claim(never))?.work).toEqual(a);
  });

  test('without listening finds new work all the same', async () => {
    await admin.flushall();
    await using queue = await open(connections(), { kind: fragments, source }, false);
    await using other = await open(connections(), { kind: fragments, source });
    const waiting = queue.claim(never);
    await other.push([{ work: a, priority: 1 }]);
    expect((await waiting)?.work).toEqual(a);
  });

  test('a server that was away is used and heard again', async () => {
    await using queue = await open(connections(), { kind: fragments, source });
    await server.kill();
    await until('it is missed', () =>
      queue.lengths().then(
        () => false,
        (error: unknown) => error instanceof QueueUnavailableError,
      ),
    );
    await server.restart();
    await until('it is back', () => queue.lengths().catch(() => undefined));
    const waiting = queue.claim(never);
    await queue.push([{ work: a, priority: 1 }]);
    expect((await waiting)?.work).toEqual(a);
  });
});

describeThere('a queue in a Redis Cluster (skipped where there is no redis-server)', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  describeWorkQueue({
    name: 'redis, in a cluster',
    isShared: true,
    clear: () => cluster.flush(),
    open: (options) => open(redisOptions({ kind: 'cluster', addresses: cluster.nodes }).connections, options),
  });
});
