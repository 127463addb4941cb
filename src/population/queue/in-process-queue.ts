import { backoffMs } from '../backoff';
import { BlockingClaims, type Taken } from './blocking-claims';
import { mergeRequests } from './merge-requests';
import { defaultQueueLimits, lostReason, type QueueLimits } from './queue-limits';
import type { WorkKind } from './work-kind';
import type { QueueJournal } from './queue-journal';
import { steadyClock } from './steady-clock';
import type {
  DeadLetter,
  FailOutcome,
  PushOutcome,
  QueueLengths,
  WorkLease,
  WorkQueue,
  WorkRequest,
} from './work-queue';

export interface InProcessQueueOptions<Work> extends Partial<Omit<QueueLimits, 'leaseMs'>> {
  readonly kind: WorkKind<Work>;
  /** What outlives the process; without it, what is in the queue is lost with the process, and learned again from the next slow query. */
  readonly journal?: QueueJournal<Work>;
  /** Hears of work that was dropped because the queue was full. */
  readonly onDropped?: (work: Work) => void;
}

/** Work in the queue. What of it outlives the process is what a journal is given. */
export interface QueuedWork<Work> {
  readonly work: Work;
  readonly queuedAt: number;
  readonly priority: number;
  readonly attempts: number;
  /** Not to be claimed before, in milliseconds since 1970. */
  readonly runAt: number;
}

interface Item<Work> extends QueuedWork<Work> {
  readonly hash: string;
  /** Counts pushes of new work: the order among equals, which the clock's milliseconds do not tell. */
  readonly sequence: number;
  priority: number;
  attempts: number;
  runAt: number;
  /** Set while it is running. */
  token: string | undefined;
}

/** A full queue drops this share at once, so that sorting it costs little per push. */
const DROPPED_SHARE = 20;

/** The queue of one process. */
export class InProcessQueue<Work> implements WorkQueue<Work> {
  readonly name = 'in_process';
  readonly leaseMs = Infinity;
  readonly #now = steadyClock();
  readonly #options: InProcessQueueOptions<Work>;
  readonly #limits: QueueLimits;
  readonly #items = new Map<string, Item<Work>>();
  readonly #dead = new Map<string, DeadLetter>();
  readonly #claims = new BlockingClaims<Work>({
    take: (max) => this.#take(max),
    giveBack: async (leases) => {
      for (const lease of leases) await this.release(lease);
    },
    longestPauseMs: Infinity,
  });
  #running = 0;
  #counter = 0;
  #isClosed = false;

  constructor(options: InProcessQueueOptions<Work>) {
    this.#options = options;
    this.#limits = { ...defaultQueueLimits, ...options };
    // What was running when the process ended is to be claimed again: its attempt counts, for it may have been the cause.
    // The clock may have been set back since it was delayed by another process.
    const latest = this.#now() + this.#limits.backoff.maxMs;
    for (const item of options.journal?.items ?? []) {
      const hash = options.kind.hashOf(item.work);
      const runAt = Math.min(item.runAt, latest);
      this.#items.set(hash, { ...item, runAt, hash, sequence: this.#counter++, token: undefined });
    }
  }

  async push(requests: readonly WorkRequest<Work>[]): Promise<readonly PushOutcome[]> {
    const { kind } = this.#options;
    const outcomes = new Map<string, PushOutcome>();
    const changed: Item<Work>[] = [];
    for (const [hash, request] of mergeRequests(kind, requests))
      outcomes.set(hash, this.#pushOne(hash, request, changed));
    for (const hash of await this.#dropLeastWanted()) outcomes.set(hash, 'dropped');
    await this.#note(changed.filter(({ hash }) => this.#items.has(hash)));
    this.#claims.wake();
    return requests.map(({ work }) => outcomes.get(kind.hashOf(work)) ?? 'dropped');
  }

  claim(signal: AbortSignal): Promise<WorkLease<Work> | undefined> {
    return this.#claims.claim(signal);
  }

  async extend(lease: WorkLease<Work>): Promise<boolean> {
    return this.#held(lease) !== undefined;
  }

  async complete(lease: WorkLease<Work>): Promise<boolean> {
    const item = this.#held(lease);
    if (item === undefined) return false;
    await this.#remove(item);
    return true;
  }

  async fail(lease: WorkLease<Work>, reason: string): Promise<FailOutcome | false> {
    const item = this.#held(lease);
    if (item === undefined) return false;
    if (item.attempts >= this.#limits.maxAttempts) {
      await this.bury(lease, reason);
      return { kind: 'buried' };
    }
    await this.#giveBack(item, backoffMs(this.#limits.backoff, item.attempts));
    return { kind: 'retried', at: item.runAt };
  }

  async bury(lease: WorkLease<Work>, reason: string): Promise<boolean> {
    const item = this.#held(lease);
    if (item === undefined) return false;
    const { kind } = this.#options;
    const [oldest] = this.#dead.keys();
    if (oldest !== undefined && this.#dead.size >= this.#limits.maxDead) this.#dead.delete(oldest);
    const { partitionKey } = kind.keyOf(item.work);
    this.#dead.set(item.hash, {
      query: kind.queryOf(item.work),
      partitionKey,
      reason,
      buriedAt: this.#now(),
    });
    await this.#remove(item);
    return true;
  }

  async release(lease: WorkLease<Work>, delayMs = 0): Promise<boolean> {
    const item = this.#held(lease);
    if (item === undefined) return false;
    item.attempts -= 1;
    await this.#giveBack(item, delayMs);
    return true;
  }

  async lengths(): Promise<QueueLengths> {
    const now = this.#now();
    let delayed = 0;
    let oldestAt = Infinity;
    for (const item of this.#items.values()) {
      if (item.token !== undefined) continue;
      if (item.runAt > now) delayed += 1;
      else oldestAt = Math.min(oldestAt, item.queuedAt);
    }
    const waiting = this.#items.size - this.#running - delayed;
    const oldest = waiting === 0 ? {} : { oldestMs: Math.max(0, now - oldestAt) };
    return { waiting, delayed, running: this.#running, dead: this.#dead.size, ...oldest };
  }

  async deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return [...this.#dead.values()].reverse().slice(0, limit);
  }

  /** Waiting claims resolve to undefined; what is in the queue is gone, but for what the journal has. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#claims[Symbol.asyncDispose]();
    this.#items.clear();
    this.#running = 0;
  }

  #pushOne(hash: string, { work, priority }: WorkRequest<Work>, changed: Item<Work>[]): PushOutcome {
    const known = this.#items.get(hash);
    if (known !== undefined) {
      known.priority += priority;
      changed.push(known);
      return 'raised';
    }
    if (this.#isClosed) return 'dropped';
    this.#dead.delete(hash);
    const now = this.#now();
    const sequence = this.#counter++;
    const item: Item<Work> = {
      work,
      hash,
      queuedAt: now,
      sequence,
      priority,
      attempts: 0,
      runAt: now,
      token: undefined,
    };
    this.#items.set(hash, item);
    changed.push(item);
    return 'added';
  }

  async clear(): Promise<number> {
    const idle = [...this.#items.values()].filter((item) => item.token === undefined);
    for (const { hash } of idle) this.#items.delete(hash);
    await this.#options.journal?.remove(idle.map(({ hash }) => hash));
    return idle.length;
  }

  /** Hashes of what had to go. Among equals the youngest goes. */
  async #dropLeastWanted(): Promise<readonly string[]> {
    const { maxLength } = this.#limits;
    const excess = this.#items.size - this.#running - maxLength;
    if (excess <= 0) return [];
    const idle = [...this.#items.values()].filter((item) => item.token === undefined);
    idle.sort((a, b) => a.priority - b.priority || b.sequence - a.sequence);
    const dropped = idle.slice(0, excess + Math.floor(maxLength / DROPPED_SHARE));
    for (const { hash, work } of dropped) {
      this.#items.delete(hash);
      this.#options.onDropped?.(work);
    }
    const hashes = dropped.map(({ hash }) => hash);
    await this.#options.journal?.remove(hashes);
    return hashes;
  }

  async #take(max: number): Promise<Taken<Work>> {
    const now = this.#now();
    const leases: WorkLease<Work>[] = [];
    while (leases.length < max) {
      const item = this.#mostWanted(now);
      if (item === undefined) break;
      const lease = this.#lease(item);
      if (lease.attempt > this.#limits.maxAttempts) {
        await this.bury(lease, lostReason);
        continue;
      }
      leases.push(lease);
      await this.#note([item]);
    }
    return { leases, nextInMs: this.#nextRunAt() - now };
  }

  /** Looks at all of them: a claim is followed by a query of milliseconds at least, so this is not where the time goes. */
  #mostWanted(now: number): Item<Work> | undefined {
    let best: Item<Work> | undefined;
    for (const item of this.#items.values()) {
      if (item.token !== undefined || item.runAt > now) continue;
      if (best === undefined || item.priority > best.priority) best = item;
      else if (item.priority === best.priority && item.sequence < best.sequence) best = item;
    }
    return best;
  }

  #nextRunAt(): number {
    let next = Infinity;
    for (const item of this.#items.values()) if (item.token === undefined) next = Math.min(next, item.runAt);
    return next;
  }

  #lease(item: Item<Work>): WorkLease<Work> {
    const token = `${item.hash} ${this.#counter++}`;
    item.token = token;
    item.attempts += 1;
    this.#running += 1;
    const { work, priority, attempts, queuedAt } = item;
    return { work, priority, attempt: attempts, queuedAt, token };
  }

  #held({ token }: WorkLease<Work>): Item<Work> | undefined {
    const item = this.#items.get(token.split(' ')[0] ?? '');
    return item?.token === token ? item : undefined;
  }

  async #remove(item: Item<Work>): Promise<void> {
    this.#items.delete(item.hash);
    this.#running -= 1;
    await this.#options.journal?.remove([item.hash]);
  }

  async #giveBack(item: Item<Work>, delayMs: number): Promise<void> {
    item.token = undefined;
    item.runAt = this.#now() + delayMs;
    this.#running -= 1;
    await this.#note([item]);
    this.#claims.wake();
  }

  async #note(items: readonly Item<Work>[]): Promise<void> {
    const { journal } = this.#options;
    if (journal !== undefined && items.length > 0) await journal.put(items.map((item) => [item.hash, item]));
  }
}
