import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis } from 'ioredis';
import { causeOfConnectError } from './redis-errors';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** How the servers that keep a cache are reached. */
export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** The server; or Sentinels, or nodes of the cluster, any of which tells of the others. */
  readonly addresses: readonly [RedisAddress, ...RedisAddress[]];
  /** What Sentinels call the server; for kind sentinel. */
  readonly sentinelName: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Database number; a cluster has 0 only. */
  readonly database: number;
  /** undefined: no TLS. */
  readonly tls: ConnectionOptions | undefined;
  /** For one command, and for making a connection, in milliseconds. */
  readonly commandTimeoutMs: number;
}

/** Between attempts to connect again. */
const firstPauseMs = 50;
const longestPauseMs = 5_000;

/**
 * Two connections to a Redis: one for commands, one that only listens, as Redis wants it. Lost ones are made again, with growing pauses;
 * meanwhile commands fail at once instead of waiting.
 */
export class RedisConnections implements AsyncDisposable {
  readonly client: Redis | Cluster;
  readonly subscriber: Redis;
  /** What went wrong last with a connection that is not there. */
  private trouble: Error | undefined;

  /** Nothing is connected before `connect`. `warn` hears of trouble no command tells of. */
  constructor(target: RedisTarget, warn: (message: string, cause: unknown) => void) {
    this.client = target.kind === 'cluster' ? makeCluster(target) : makeRedis(target);
    this.subscriber =
      this.client instanceof Cluster ? makeClusterSubscriber(target, this.client) : makeRedis(target);
    for (const client of [this.client, this.subscriber]) {
      // Unheard, an error event would end the process.
      client.on('error', (error: Error) => {
        this.trouble = causeOfConnectError(error);
        warn('the connection to Redis is in trouble', this.trouble);
      });
    }
  }

  /** Resolves when both are there; rejects with what kept one of them from it. */
  async connect(): Promise<void> {
    try {
      await this.client.connect();
      if (this.client instanceof Cluster) aim(this.subscriber, this.client);
      await this.subscriber.connect();
    } catch (error) {
      throw this.trouble ?? error;
    }
    // ioredis goes on without it: in another database than the one that was asked for.
    if (this.trouble?.name === 'ReplyError') throw this.trouble;
  }

  /** What is behind the error of a command: one that could not be sent fails for what keeps the connection from being made. */
  explain(error: Error): Error {
    return this.client.status === 'ready' ? error : (this.trouble ?? error);
  }

  /** Makes the connection that listens anew: of a cluster, perhaps to another node. */
  renewSubscriber(): void {
    this.subscriber.disconnect(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.disconnect();
    this.subscriber.disconnect();
  }
}

function makeRedis(target: RedisTarget): Redis {
  const { addresses, sentinelName, database } = target;
  const [{ host, port }] = addresses;
  const options = {
    ...commonOptions(target),
    db: database,
    lazyConnect: true,
    enableOfflineQueue: false,
    retryStrategy: pauseMs,
  };
  if (target.kind === 'single') return new Redis({ ...options, host, port });
  return new Redis({
    ...options,
    sentinels: [...addresses],
    name: sentinelName ?? '',
    sentinelRetryStrategy: pauseMs,
    enableTLSForSentinelMode: target.tls !== undefined,
    ...(target.tls === undefined ? {} : { sentinelTLS: target.tls }),
  });
}

function makeCluster(target: RedisTarget): Cluster {
  return new Cluster([...target.addresses], {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: pauseMs,
    // With a tenth of a second in between: a node that is gone is known to be, soon.
    maxRedirections: 5,
    slotsRefreshTimeout: target.commandTimeoutMs,
    redisOptions: commonOptions(target),
  });
}

/**
 * A connection to one node, which hears what is published at any. ioredis' own subscriber of a cluster changes nodes without a word, and what was
 * published meanwhile would be missed without anybody knowing; of this one, each connection that is made is told.
 */
function makeClusterSubscriber(target: RedisTarget, cluster: Cluster): Redis {
  const [{ host, port }] = target.addresses;
  const subscriber = new Redis({
    ...commonOptions(target),
    host,
    port,
    lazyConnect: true,
    enableOfflineQueue: false,
    retryStrategy: (attempt) => {
      aim(subscriber, cluster);
      return pauseMs(attempt);
    },
  });
  return subscriber;
}

/** Lets the next connection be to any node, one that is connected to if possible. */
function aim(subscriber: Redis, cluster: Cluster): void {
  const nodes = cluster.nodes();
  const connected = nodes.filter(({ status }) => status === 'ready');
  const choice = connected.length > 0 ? connected : nodes;
  const node = choice[Math.floor(Math.random() * choice.length)];
  if (node === undefined) return;
  subscriber.options.host = node.options.host ?? subscriber.options.host ?? '';
  subscriber.options.port = node.options.port ?? subscriber.options.port ?? 0;
}

function commonOptions({ username, password, tls, commandTimeoutMs }: RedisTarget) {
  return {
    connectionName: 'pcache',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
    commandTimeout: commandTimeoutMs,
    connectTimeout: commandTimeoutMs,
    maxRetriesPerRequest: 0,
    // Whoever listens subscribes again itself, and knows then that something may have been missed.
    autoResubscribe: false,
  };
}

function pauseMs(attempt: number): number {
  return Math.min(firstPauseMs * 2 ** Math.min(attempt, 10), longestPauseMs);
}
