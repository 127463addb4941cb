import { Redis } from 'ioredis';
import { openRedisSet } from '../../../src/cache/backends/redis';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { Directory } from '../../../src/cache/directory';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import { hashOf, sampleEntry } from '../../support/cache-entries';
import { startRedisCluster } from '../../support/redis-cluster';
import { redisOptions } from '../../support/redis-options';
import { startWatchedRedis } from '../../support/redis-sentinel';
import { hasRedis } from '../../support/redis-server';
import { until } from '../../support/until';

const [a, b] = [hashOf('a'), hashOf('b')];
const keys = createKeySet('integer', [1n, 2n]);
const commandTimeoutMs = 1_000;

function directoryOf(backend: CacheBackend): Directory {
  const directory = new Directory();
  backend.subscribe((change) => directory.apply(change));
  return directory;
}

/** Resolves when the operation goes through, however often it is away before. */
function untilAnswered<T>(what: string, operation: () => Promise<T>): Promise<{ readonly answer: T }> {
  return until(what, async () => {
    try {
      return { answer: await operation() };
    } catch (error) {
      if (error instanceof CacheUnavailableError) return false;
      throw error;
    }
  });
}

(hasRedis ? describe : describe.skip)('Redis in several processes (skipped where there is none)', () => {
  test('the server that Sentinels name: when it is gone, the replica is used, and heard', async () => {
    await using watched = await startWatchedRedis();
    const { name: sentinelName, sentinel, master, replica } = watched;
    const open = () =>
      openRedisSet(redisOptions({ kind: 'sentinel', addresses: [sentinel], sentinelName, commandTimeoutMs }));
    await using first = await open();
    await using second = await open();
    const directory = directoryOf(second);
    await first.registerPartitionKey('region', 'integer');
    await first.put(sampleEntry(keys));
    await until('the entry is heard of', () => directory.get('region', a) !== undefined);
    const copy = new Redis(replica.port, replica.host);
    await until(
      'the replica has it',
      async () => (await copy.exists(`{pcache:redis_set:region}:d:${a}`)) === 1,
    );
    copy.disconnect();
    await master.kill();
    const { answer } = await untilAnswered('the replica has taken over', () => first.get('region', a));
    expect(answer?.keyCount).toBe(2);
    await untilAnswered('it can be written', () => first.put(sampleEntry(keys, { text: 'b' })));
    await until('the other one hears of it', () => directory.get('region', b) !== undefined);
    expect(directory.get('region', a)).toBeDefined();
  });

  test('a cluster of which one node is gone: its partition keys are away, the others not', async () => {
    await using cluster = await startRedisCluster();
    const open = () =>
      openRedisSet(redisOptions({ kind: 'cluster', addresses: cluster.nodes, commandTimeoutMs }));
    await using first = await open();
    // Several, as each listens to a node of its own choice: to the one that is lost as well.
    const others = await Promise.all([open(), open(), open(), open(), open()]);
    await using _others = {
      [Symbol.asyncDispose]: async () => {
        for (const other of others) await other[Symbol.asyncDispose]();
      },
    };
    const directories = others.map(directoryOf);
    const registry = await cluster.nodeOf('pcache:redis_set:partition-keys');
    // Partition keys on every node, and one that is not where the registry is.
    const names = Array.from({ length: 30 }, (_, i) => `region ${i}`);
    const places = new Map<string, (typeof cluster.nodes)[number]>();
    for (const name of names) {
      places.set(name, await cluster.nodeOf(`pcache:redis_set:${encodeURIComponent(name)}`));
      await first.registerPartitionKey(name, 'integer');
      await first.put(sampleEntry(keys, { partitionKey: name }));
    }
    await until('all is heard of', () => directories.every(({ size }) => size === names.length));
    const lost = cluster.nodes.find((node) => node !== registry) ?? registry;
    await lost.kill();
    for (const name of names) {
      if (places.get(name) === lost)
        await expect(first.get(name, a)).rejects.toBeInstanceOf(CacheUnavailableError);
      else {
        const { answer } = await untilAnswered('it is there', () => first.get(name, a));
        expect(answer?.keyCount).toBe(2);
        await untilAnswered('and can be written', () =>
          first.put(sampleEntry(keys, { partitionKey: name, text: 'b' })),
        );
        await until('which the others hear of', () =>
          directories.every((directory) => directory.get(name, b) !== undefined),
        );
      }
    }
    await lost.restart();
    await cluster.untilWhole();
    const [gone = ''] = names.filter((name) => places.get(name) === lost);
    await untilAnswered('its keys can be used again', () => first.registerPartitionKey(gone, 'integer'));
    await first.put(sampleEntry(keys, { partitionKey: gone, text: 'b' }));
    for (const [i, directory] of directories.entries()) {
      await until('which the others hear of', () => directory.get(gone, b) !== undefined);
      // Whoever did not listen to that node finds out when it asks.
      await untilAnswered('it is asked', async () => others[i]?.get(gone, a));
      await until('what the node had is gone', () => directory.get(gone, a) === undefined);
    }
  });
});
