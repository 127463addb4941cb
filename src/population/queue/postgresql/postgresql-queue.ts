import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPool, Listening } from '../../../postgres/control-pool';
import type { ControlRow } from '../../../postgres/control-client';
import { type Backoff, backoffMs } from '../../backoff';
import { Batches } from '../batches';
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
import { queueError } from './queue-error';
import { queueQuery, type QueueSchema, workChannel } from './queue-schema';

export interface PostgresqlQueueOptions<Work> extends SharedQueueOptions<Work> {
  /** Lent, not owned; one connection of it listens. */
  readonly pool: ControlPool;
  readonly schema: QueueSchema;
}

/** Rows that others are about to claim look as if they could be had. */
const shortestPauseMs = 20;
/** After that many pushed pieces it is seen to that the queue is not too long. */
const trimEvery = 1_000;
const listenAgain: Backoff = { firstMs: 200, maxMs: 10_000 };

type TakenRow = {
  readonly id: string;
  readonly token: string;
  readonly work: unknown;
  readonly priority: number;
  readonly attempts: number;
  readonly queued_at: number;
  readonly ordinal: string;
};

/**
 * A queue in tables of PostgreSQL, for any number of processes. A claim is a row with a token and an end; whoever does not extend it in time has
 * given it back. Claims skip the rows that others are just taking, so that workers never wait for each other.
 */
export class PostgresqlQueue<Work> implements WorkQueue<Work> {
  readonly name = 'postgresql';
  readonly leaseMs: number;
  readonly #options: PostgresqlQueueOptions<Work>;
  readonly #limits: QueueLimits;
  readonly #channel: string;
  readonly #claims: BlockingClaims<Work>;
  readonly #completions = new Batches<WorkLease<Work>, boolean>((leases) =>
    this.#end('complete-work', leases, []),
  );
  readonly #extensions = new Batches<WorkLease<Work>, boolean>((leases) =>
    this.#end('extend-work', leases, [this.leaseMs]),
  );
  readonly #closing = new AbortController();
  #listening: Promise<void> | undefined;
  /** At the first push as well: many a process pushes once only. */
  #pushedSinceTrim = trimEvery;

  constructor(options: PostgresqlQueueOptions<Work>) {
    this.#options = options;
    this.#limits = { ...defaultQueueLimits, ...options };
    this.leaseMs = this.#limits.leaseMs;
    this.#channel = workChannel(options.schema, options.kind, options.source);
    this.#claims = sharedClaims(
      options,
      (max) => this.#take(max),
      (lease) => this.release(lease),
    );
  }

  async push(requests: readonly WorkRequest<Work>[]): Promise<readonly PushOutcome[]> {
    const { kind, source } = this.#options;
    const merged = mergeRequests(kind, requests);
    if (merged.size === 0) return requests.map(() => 'dropped');
    const works = [...merged.values()];
    const rows = await this.#query<{ hash: string; is_new: boolean }>('push-work', [
      source,
      [...merged.keys()].map((hash) => Buffer.from(hash, 'hex')),
      works.map(({ work }) => kind.queryOf(work)),
      works.map(({ work }) => kind.keyOf(work).partitionKey),
      works.map(({ work }) => kind.keyOf(work).datatype),
      works.map(({ work }) => kind.encode(work)),
      works.map(({ priority }) => priority),
      this.#channel,
    ]);
    const isNew = new Map(rows.map(({ hash, is_new }) => [hash, is_new]));
    const dropped = await this.#trimIfDue(merged.size);
    this.#claims.wake();
    return requests.map(({ work }) => {
      const hash = kind.hashOf(work);
      if (dropped.has(hash) || !merged.has(hash)) return 'dropped';
      return isNew.get(hash) === true ? 'added' : 'raised';
    });
  }

  claim(signal: AbortSignal): Promise<WorkLease<Work> | undefined> {
    if (this.#options.isListening ?? true) this.#listening ??= this.#keepListening();
    return this.#claims.claim(signal);
  }

  extend(lease: WorkLease<Work>): Promise<boolean> {
    return this.#extensions.add(lease);
  }

  complete(lease: WorkLease<Work>): Promise<boolean> {
    return this.#completions.add(lease);
  }

  async fail(lease: WorkLease<Work>, reason: string): Promise<FailOutcome | false> {
    if (lease.attempt >= this.#limits.maxAttempts) {
      return (await this.bury(lease, reason)) && { kind: 'buried' };
    }
    const at = await this.#giveBack(lease, backoffMs(this.#limits.backoff, lease.attempt), 0);
    return at === undefined ? false : { kind: 'retried', at };
  }

  async bury(lease: WorkLease<Work>, reason: string): Promise<boolean> {
    const { id, token } = partsOf(lease);
    const { maxDead } = this.#limits;
    return (await this.#query('bury-work', [id, token, withoutNul(reason), maxDead])).length > 0;
  }

  async release(lease: WorkLease<Work>, delayMs = 0): Promise<boolean> {
    const at = await this.#giveBack(lease, delayMs, 1);
    if (at !== undefined) this.#claims.wake();
    return at !== undefined;
  }

  async clear(): Promise<number> {
    return (await this.#query('trim-work', [this.#options.source, 0])).length;
  }

  async lengths(): Promise<QueueLengths> {
    type Row = Record<'waiting' | 'delayed' | 'running' | 'dead', string> & {
      readonly oldest_ms: string | null;
    };
    const [row] = await this.#query<Row>('work-lengths', [this.#options.source]);
    const oldestMs = row?.oldest_ms ?? null;
    return {
      waiting: Number(row?.waiting),
      delayed: Number(row?.delayed),
      running: Number(row?.running),
      dead: Number(row?.dead),
      // By the clock of one server; a transaction that began earlier can have pushed later.
      ...(oldestMs === null ? {} : { oldestMs: Math.max(0, Number(oldestMs)) }),
    };
  }

  async deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    type Row = { query: string; partition_key: string; reason: string; buried_at: number };
    const rows = await this.#query<Row>('dead-letters', [this.#options.source, limit]);
    return rows.map((row) => ({
      query: row.query,
      partitionKey: row.partition_key,
      reason: row.reason,
      buriedAt: row.buried_at,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#claims[Symbol.asyncDispose]();
    await this.#listening;
  }

  async #take(max: number): Promise<Taken<Work>> {
    const { source } = this.#options;
    const rows = await this.#query<TakenRow>('take-work', [source, max, this.leaseMs]);
    if (rows.length === 0) {
      const [next] = await this.#query<{ next_in_ms: number | null }>('next-work', [source]);
      const nextInMs = next?.next_in_ms ?? Infinity;
      return { leases: [], nextInMs: Math.max(nextInMs, shortestPauseMs) };
    }
    // UPDATE returns rows in no order.
    const sorted = [...rows].sort(
      (x, y) => y.priority - x.priority || x.queued_at - y.queued_at || Number(x.ordinal) - Number(y.ordinal),
    );
    const leases = await Promise.all(sorted.map((row) => this.#leaseOf(row)));
    // All unreadable: not the same as nothing to do.
    return { leases: leases.filter((lease) => lease !== undefined), nextInMs: 0 };
  }

  /** undefined for work that cannot be handed out, which is buried. */
  async #leaseOf(row: TakenRow): Promise<WorkLease<Work> | undefined> {
    const lease = {
      priority: row.priority,
      attempt: row.attempts,
      queuedAt: row.queued_at,
      token: `${row.id} ${row.token}`,
    };
    try {
      const work = this.#options.kind.decode(row.work);
      if (row.attempts <= this.#limits.maxAttempts) return { ...lease, work };
      await this.bury({ ...lease, work }, lostReason);
    } catch (error) {
      if (!(error instanceof UnreadableWorkError)) throw error;
      await this.bury({ ...lease, work: row.work as Work }, error.message);
    }
    return undefined;
  }

  async #giveBack(lease: WorkLease<Work>, delayMs: number, uncounted: number): Promise<number | undefined> {
    const { id, token } = partsOf(lease);
    const [row] = await this.#query<{ run_at: number }>('give-back-work', [
      id,
      token,
      delayMs,
      uncounted,
      this.#channel,
    ]);
    return row?.run_at;
  }

  async #end(
    query: string,
    leases: readonly WorkLease<Work>[],
    others: readonly unknown[],
  ): Promise<readonly boolean[]> {
    const parts = leases.map(partsOf);
    const rows = await this.#query<{ id: string }>(query, [
      parts.map(({ id }) => id),
      parts.map(({ token }) => token),
      ...others,
    ]);
    const ended = new Set(rows.map(({ id }) => id));
    return parts.map(({ id }) => ended.has(id));
  }

  /** Hashes of what had to go. */
  async #trimIfDue(pushed: number): Promise<ReadonlySet<string>> {
    const { maxLength } = this.#limits;
    this.#pushedSinceTrim += pushed;
    if (this.#pushedSinceTrim < Math.min(trimEvery, maxLength)) return new Set();
    this.#pushedSinceTrim = 0;
    const rows = await this.#query<{ hash: string }>('trim-work', [this.#options.source, maxLength]);
    return new Set(rows.map(({ hash }) => hash));
  }

  async #query<Row extends ControlRow>(
    name: string,
    parameters: readonly unknown[],
  ): Promise<readonly Row[]> {
    const { pool, schema, kind } = this.#options;
    try {
      return await pool.query<Row>(queueQuery(name, schema, kind.name), parameters);
    } catch (error) {
      throw queueError(`the queue ${kind.name}`, error);
    }
  }

  /** Listens until it is closed, and again after each loss. Claims work without it, only later. */
  async #keepListening(): Promise<void> {
    const { pool, warn } = this.#options;
    const { signal } = this.#closing;
    const closed = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    for (let failures = 0; !signal.aborted;) {
      let listening: Listening | undefined;
      try {
        const asked = pool.listen(this.#channel, () => this.#claims.wake());
        listening = await Promise.race([asked, closed.then(() => undefined)]);
        // Too late to be of use; it is ended when it is there.
        if (listening === undefined)
          void asked.then(
            (late) => late[Symbol.asyncDispose](),
            () => undefined,
          );
      } catch (error) {
        failures += 1;
        warn('new work in the queue is not heard of for now', error);
        await delay(backoffMs(listenAgain, failures), undefined, { signal }).catch(() => undefined);
        continue;
      }
      if (listening === undefined) return;
      failures = 0;
      // What was pushed before was not told.
      this.#claims.wake();
      await Promise.race([listening.lost, closed]);
      await listening[Symbol.asyncDispose]();
    }
  }
}

function partsOf({ token }: Pick<WorkLease<unknown>, 'token'>): {
  readonly id: string;
  readonly token: string;
} {
  const [id = '', uuid = ''] = token.split(' ');
  return { id, token: uuid };
}

/** A text of PostgreSQL has none. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}
