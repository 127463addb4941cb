import { Redis } from 'ioredis';
import { type RedisServer, startRedis, startSentinel } from './redis-server';
import { until } from './until';

/** A server, its replica, and a Sentinel that makes the replica the server when the first one is gone. */
export interface WatchedRedis extends AsyncDisposable {
  readonly name: string;
  readonly sentinel: RedisServer;
  readonly master: RedisServer;
  readonly replica: RedisServer;
}

export async function startWatchedRedis(): Promise<WatchedRedis> {
  const name = 'cache';
  const master = await startRedis([['repl-diskless-sync-delay', '0']]);
  const replica = await startRedis([['replicaof', `${master.host} ${master.port}`]]);
  const sentinel = await startSentinel([
    ['sentinel monitor', `${name} ${master.host} ${master.port} 1`],
    ['sentinel down-after-milliseconds', `${name} 500`],
    ['sentinel failover-timeout', `${name} 3000`],
  ]);
  const client = new Redis(sentinel.port, sentinel.host);
  await until('the Sentinel knows the replica', async () => {
    const replicas = await client.call('SENTINEL', 'REPLICAS', name);
    return (
      String(replicas).includes(String(replica.port)) && String(replicas).includes('master-link-status,ok')
    );
  });
  client.disconnect();
  return {
    name,
    sentinel,
    master,
    replica,
    [Symbol.asyncDispose]: async () => {
      for (const server of [sentinel, master, replica]) await server[Symbol.asyncDispose]();
    },
  };
}
