import { randomUUID } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { type RedisArgument, runScript } from '../../../cache/redis-scripts';
import { QueueUnavailableError } from '../../../errors/queue-unavailable-error';
import { backoffMs } from '../../backoff';
import type { BlockingClaims, Taken } from '../blocking-claims';
import { mergeRequests } from '../merge-requests';
import { defaultQueueLimits, lostReason, type QueueLimits } from '../queue-limits';
import { sharedClaims, type SharedQueueOptions } from '../shared-queue';
import { UnreadableWorkError } from '../work-kind';
import type {
  DeadLetter,
  FailOutcome,
  PushOutcome,
  QueueLengths,
  WorkLease,
  WorkQueue,
  WorkRequest,
} from '../work-queue';

/** One connection for commands, one that only listens. */
export interface QueueRedis {
  readonly client: Redis | Cluster;
  readonly subscriber: Redis;
  /** What is behind the error of a command. */
  explain(error: Error): Error;
}

export interface RedisQueueOptions<Work> extends SharedQueueOptions<Work> {
  /** Lent, not owned; connected by whoever lends them. */
  readonly connections: QueueRedis;
  /** What all keys begin with; without braces, which would make another hash tag. */
  readonly keyPrefix: string;
}

/**
 * A queue in Redis, for any number of processes. All keys of a tier and a source have one hash tag, and so are in one slot of a cluster:
 *
 *     ready     zset by priority, then age
 *     delayed   zset by the time from which on it can be claimed
 *     running   zset by the end of the lease
 *     dead      zset by the time it was buried
 *     item:…    hash: work, priority, sequence, attempts, queued, mark of the claim, reason
 *
 * Every step is one script, so that nothing is ever between two states. Where the server evicts keys, evicted work is learned again
 * from the next slow query.
 */
export class RedisQueue<Work> implements WorkQueue<Work> {
  readonly name = 'redis';
  readonly leaseMs: number;
  readonly #options: RedisQueueOptions<Work>;
  readonly #limits: QueueLimits;
  readonly #tag: string;
  readonly #channel: string;
  readonly #claims: BlockingClaims<Work>;
  readonly #self = randomUUID();
  readonly #stopListening: () => void;
  #taken = 0;

  constructor(options: RedisQueueOptions<Work>) {
    this.#options = options;
    this.#limits = { ...defaultQueueLimits, ...options };
    this.leaseMs = this.#limits.leaseMs;
    this.#tag = `{${options.keyPrefix}${options.kind.name}:${encodeURIComponent(options.source)}}`;
    this.#channel = `${this.#tag}:pushed`;
    this.#claims = sharedClaims(
      options,
      (max) => this.#take(max),
      (lease) => this.release(lease),
    );
    this.#stopListening = (options.isListening ?? true) ? this.#listen() : () => undefined;
  }

  async push(requests: readonly WorkRequest<Work>[]): Promise<readonly PushOutcome[]> {
    const { kind } = this.#options;
    const merged = [...mergeRequests(kind, requests)];
    const items = merged.flatMap(([hash, { work, priority }]) => [hash, priority, kind.encode(work)]);
    const keys = [...this.#keys('ready', 'delayed', 'running', 'dead'), `${this.#tag}:counter`];
    const args = [this.#items, this.#channel, this.#limits.maxLength, ...items];
    const [news, dropped] = (await this.#run('push', keys, args)) as [number[], Buffer[]];
    const outcomes = new Map(merged.map(([hash], i) => [hash, news[i] === 1 ? 'added' : 'raised'] as const));
    const gone = new Set(dropped.map(String));
    this.#claims.wake();
    return requests.map(({ work }) => {
      const hash = kind.hashOf(work);
      return gone.has(hash) ? 'dropped' : (outcomes.get(hash) ?? 'dropped');
    });
  }

  claim(signal: AbortSignal): Promise<WorkLease<Work> | undefined> {
    return this.#claims.claim(signal);
  }

  async extend(lease: WorkLease<Work>): Promise<boolean> {
    const [hash, mark] = partsOf(lease);
    const keys = [...this.#keys('running'), this.#item(hash)];
    return (await this.#run('extend', keys, [hash, mark, this.leaseMs])) === 1;
  }

  async complete(lease: WorkLease<Work>): Promise<boolean> {
    const [hash, mark] = partsOf(lease);
    return (await this.#run('complete', [...this.#keys('running'), this.#item(hash)], [hash, mark])) === 1;
  }

  async fail(lease: WorkLease<Work>, reason: string): Promise<FailOutcome | false> {
    if (lease.attempt >= this.#limits.maxAttempts) {
      return (await this.bury(lease, reason)) && { kind: 'buried' };
    }
    const at = await this.#giveBack(lease, backoffMs(this.#limits.backoff, lease.attempt), 0);
    return at === undefined ? false : { kind: 'retried', at };
  }

  async bury(lease: WorkLease<Work>, reason: string): Promise<boolean> {
    const [hash, mark] = partsOf(lease);
    const keys = [...this.#keys('running', 'dead'), this.#item(hash)];
    return (await this.#run('bury', keys, [this.#items, hash, mark, reason, this.#limits.maxDead])) === 1;
  }

  async release(lease: WorkLease<Work>, delayMs = 0): Promise<boolean> {
    return (await this.#giveBack(lease, delayMs, 1)) !== undefined;
  }

  async clear(): Promise<number> {
    return Number(await this.#run('clear', this.#keys('ready', 'delayed'), [this.#items]));
  }

  async lengths(): Promise<QueueLengths> {
    const keys = this.#keys('ready', 'delayed', 'running', 'dead');
    const numbers = (await this.#run('lengths', keys, [this.#items])) as number[];
    const [waiting = 0, delayed = 0, running = 0, dead = 0, oldestMs = -1] = numbers;
    return { waiting, delayed, running, dead, ...(oldestMs < 0 ? {} : { oldestMs }) };
  }

  async deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    const { kind } = this.#options;
    const args = [this.#items, limit];
    const letters = (await this.#run('dead-letters', this.#keys('dead'), args)) as [Buffer, Buffer, Buffer][];
    return letters.map(([encoded, reason, buriedAt]) => {
      const known = { reason: String(reason), buriedAt: Number(buriedAt) };
      try {
        const work = kind.decode(JSON.parse(String(encoded)));
        return { ...known, query: kind.queryOf(work), partitionKey: kind.keyOf(work).partitionKey };
      } catch (error) {
        if (!(error instanceof UnreadableWorkError || error instanceof SyntaxError)) throw error;
        return { ...known, query: String(encoded), partitionKey: '' };
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    await this.#claims[Symbol.asyncDispose]();
  }

  get #items(): string {
    return `${this.#tag}:item:`;
  }

  #item(hash: string): string {
    return `${this.#items}${hash}`;
  }

  #keys(...names: readonly ('ready' | 'delayed' | 'running' | 'dead')[]): string[] {
    return names.map((name) => `${this.#tag}:${name}`);
  }

  async #take(max: number): Promise<Taken<Work>> {
    const { maxAttempts, maxDead } = this.#limits;
    const mark = `${this.#self}:${this.#taken++}`;
    const keys = this.#keys('ready', 'delayed', 'running', 'dead');
    type Item = readonly [Buffer, Buffer, Buffer, Buffer, number, Buffer];
    const [items, nextIn] = (await this.#run('take', keys, [
      this.#items,
      max,
      this.leaseMs,
      maxAttempts,
      lostReason,
      maxDead,
      mark,
    ])) as [Item[], number];
    const leases = await Promise.all(
      items.map(async ([hash, own, encoded, priority, attempt, queuedAt]) => {
        const lease = {
          priority: Number(priority),
          attempt,
          queuedAt: Number(queuedAt),
          token: `${String(hash)} ${String(own)}`,
        };
        try {
          return { ...lease, work: this.#options.kind.decode(JSON.parse(String(encoded))) };
        } catch (error) {
          if (!(error instanceof UnreadableWorkError || error instanceof SyntaxError)) throw error;
          await this.bury({ ...lease, work: undefined as Work }, error.message);
          return undefined;
        }
      }),
    );
    const readable = leases.filter((lease) => lease !== undefined);
    if (items.length > 0) return { leases: readable, nextInMs: 0 };
    return { leases: [], nextInMs: nextIn < 0 ? Infinity : nextIn };
  }

  async #giveBack(lease: WorkLease<Work>, delayMs: number, uncounted: number): Promise<number | undefined> {
    const [hash, mark] = partsOf(lease);
    const keys = [...this.#keys('ready', 'delayed', 'running'), this.#item(hash)];
    const at = await this.#run('give-back', keys, [hash, mark, delayMs, uncounted, this.#channel]);
    if (at === -1) return undefined;
    this.#claims.wake();
    return Number(at);
  }

  async #run(name: string, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    const { connections, kind } = this.#options;
    try {
      return await runScript(connections.client, 'queue', name, keys, args);
    } catch (error) {
      // ioredis has an error class for some of its troubles only; a mistake of ours is none of them.
      if (!(error instanceof Error) || error instanceof TypeError) throw error;
      const cause = connections.explain(error);
      throw new QueueUnavailableError(`the queue ${kind.name}`, cause.message, { cause });
    }
  }

  /** Subscribes, and again whenever the connection was made anew; returns how to stop. */
  #listen(): () => void {
    const { connections, warn } = this.#options;
    const { subscriber } = connections;
    const heard = (channel: string): void => {
      if (channel === this.#channel) this.#claims.wake();
    };
    const subscribe = (): void => {
      subscriber.subscribe(this.#channel).then(
        // What was pushed before was not told.
        () => this.#claims.wake(),
        (error: unknown) => warn('new work in the queue is not heard of for now', error),
      );
    };
    // One listener for each queue that shares the connection.
    subscriber.setMaxListeners(0);
    subscriber.on('message', heard);
    subscriber.on('ready', subscribe);
    if (subscriber.status === 'ready') subscribe();
    return () => {
      subscriber.off('message', heard);
      subscriber.off('ready', subscribe);
      if (subscriber.status === 'ready') subscriber.unsubscribe(this.#channel).catch(() => undefined);
    };
  }
}

function partsOf({ token }: Pick<WorkLease<unknown>, 'token'>): readonly [hash: string, mark: string] {
  const [hash = '', mark = ''] = token.split(' ');
  return [hash, mark];
}
