import type { Fragment } from '../../query/fragment/fragment';
import { type Backoff, backoffMs } from '../backoff';
import type {
  FailOutcome,
  FragmentLease,
  FragmentQueue,
  FragmentRequest,
  PushOutcome,
  QueueLengths,
} from './fragment-queue';

export interface InProcessQueueOptions {
  /** Fragments held at most, running and dead ones left out. */
  readonly maxLength?: number;
  /** Attempts after which a fragment that keeps failing is buried. */
  readonly maxAttempts?: number;
  readonly backoff?: Backoff;
  /** Hears of fragments that were dropped because the queue was full. */
  readonly onDropped?: (fragment: Fragment) => void;
}

interface Item {
  readonly fragment: Fragment;
  readonly queuedAt: number;
  /** Counts pushes of new fragments: the order among equals, which the clock's milliseconds do not tell. */
  readonly sequence: number;
  priority: number;
  attempts: number;
  /** Not to be claimed before, in milliseconds since 1970. */
  runAt: number;
  /** Set while it is running. */
  token: string | undefined;
}

/** A fragment that failed once too often, and how the last attempt ended. */
export interface DeadLetter {
  readonly fragment: Fragment;
  readonly reason: string;
}

/** Dead letters kept; the oldest go first. */
const MAX_DEAD = 1_000;
/** A full queue drops this share at once, so that sorting it costs little per push. */
const DROPPED_SHARE = 20;
/** setTimeout takes 31 bits; longer would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The queue of one process, in memory: what is in it is lost with the process, and learned again from the next slow query. */
export class InProcessQueue implements FragmentQueue {
  readonly name = 'in_process';
  readonly #maxLength: number;
  readonly #maxAttempts: number;
  readonly #backoff: Backoff;
  readonly #onDropped: ((fragment: Fragment) => void) | undefined;
  readonly #items = new Map<string, Item>();
  readonly #dead = new Map<string, DeadLetter>();
  readonly #waiting = new Set<() => void>();
  #running = 0;
  #counter = 0;
  #isClosed = false;

  constructor(options: InProcessQueueOptions = {}) {
    this.#maxLength = options.maxLength ?? 10_000;
    this.#maxAttempts = options.maxAttempts ?? 5;
    this.#backoff = options.backoff ?? { firstMs: 1_000, maxMs: 300_000 };
    this.#onDropped = options.onDropped;
  }

  async push(requests: readonly FragmentRequest[]): Promise<readonly PushOutcome[]> {
    const added = requests.map((request) => this.#pushOne(request));
    const dropped = this.#dropLeastWanted();
    if (added.includes('added')) this.#wake();
    return requests.map(({ fragment }, i) =>
      dropped.has(idOf(fragment)) ? 'dropped' : (added[i] ?? 'dropped'),
    );
  }

  async claim(signal: AbortSignal): Promise<FragmentLease | undefined> {
    while (!signal.aborted && !this.#isClosed) {
      const now = Date.now();
      const item = this.#mostWanted(now);
      if (item !== undefined) return this.#lease(item);
      await this.#change(signal, this.#nextRunAt() - now);
    }
    return undefined;
  }

  async complete(lease: FragmentLease): Promise<boolean> {
    const item = this.#held(lease);
    if (item === undefined) return false;
    this.#remove(item);
    return true;
  }

  async fail(lease: FragmentLease, reason: string): Promise<FailOutcome | false> {
    const item = this.#held(lease);
    if (item === undefined) return false;
    if (item.attempts >= this.#maxAttempts) {
      this.#remove(item);
      this.#bury(item, reason);
      return { kind: 'buried' };
    }
    this.#giveBack(item, backoffMs(this.#backoff, item.attempts));
    return { kind: 'retried', at: item.runAt };
  }

  async release(lease: FragmentLease, delayMs = 0): Promise<boolean> {
    const item = this.#held(lease);
    if (item === undefined) return false;
    item.attempts -= 1;
    this.#giveBack(item, delayMs);
    return true;
  }

  async lengths(): Promise<QueueLengths> {
    const now = Date.now();
    let delayed = 0;
    for (const item of this.#items.values()) {
      if (item.token === undefined && item.runAt > now) delayed += 1;
    }
    const waiting = this.#items.size - this.#running - delayed;
    return { waiting, delayed, running: this.#running, dead: this.#dead.size };
  }

  deadLetters(): readonly DeadLetter[] {
    return [...this.#dead.values()];
  }

  /** Waiting claims resolve to undefined; what is in the queue is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#items.clear();
    this.#running = 0;
    this.#wake();
  }

  #pushOne({ fragment, priority }: FragmentRequest): PushOutcome {
    const id = idOf(fragment);
    const known = this.#items.get(id);
    if (known !== undefined) {
      known.priority += priority;
      return 'raised';
    }
    if (this.#isClosed) return 'dropped';
    this.#dead.delete(id);
    const now = Date.now();
    this.#items.set(id, {
      fragment,
      queuedAt: now,
      sequence: this.#counter++,
      priority,
      attempts: 0,
      runAt: now,
      token: undefined,
    });
    return 'added';
  }

  /** Ids of what had to go. Among equals the youngest goes. */
  #dropLeastWanted(): ReadonlySet<string> {
    const dropped = new Set<string>();
    const excess = this.#items.size - this.#running - this.#maxLength;
    if (excess <= 0) return dropped;
    const idle = [...this.#items.values()].filter((item) => item.token === undefined);
    idle.sort((a, b) => a.priority - b.priority || b.sequence - a.sequence);
    for (const item of idle.slice(0, excess + Math.floor(this.#maxLength / DROPPED_SHARE))) {
      dropped.add(idOf(item.fragment));
      this.#items.delete(idOf(item.fragment));
      this.#onDropped?.(item.fragment);
    }
    return dropped;
  }

  /** Looks at all of them: a claim is followed by a query of milliseconds at least, so this is not where the time goes. */
  #mostWanted(now: number): Item | undefined {
    let best: Item | undefined;
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

  #lease(item: Item): FragmentLease {
    const token = String(this.#counter++);
    item.token = token;
    item.attempts += 1;
    this.#running += 1;
    const { fragment, priority, attempts, queuedAt } = item;
    return { fragment, priority, attempt: attempts, queuedAt, token };
  }

  #held(lease: FragmentLease): Item | undefined {
    const item = this.#items.get(idOf(lease.fragment));
    return item?.token === lease.token ? item : undefined;
  }

  #remove(item: Item): void {
    this.#items.delete(idOf(item.fragment));
    this.#running -= 1;
  }

  #giveBack(item: Item, delayMs: number): void {
    item.token = undefined;
    item.runAt = Date.now() + delayMs;
    this.#running -= 1;
    this.#wake();
  }

  #bury(item: Item, reason: string): void {
    const [oldest] = this.#dead.keys();
    if (oldest !== undefined && this.#dead.size >= MAX_DEAD) this.#dead.delete(oldest);
    this.#dead.set(idOf(item.fragment), { fragment: item.fragment, reason });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves when something was pushed or given back, after the given time, or when aborted. */
  #change(signal: AbortSignal, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer =
        timeoutMs === Infinity ? undefined : setTimeout(() => finish(), Math.min(timeoutMs, MAX_TIMER_MS));
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        this.#waiting.delete(finish);
        resolve();
      };
      signal.addEventListener('abort', finish, { once: true });
      this.#waiting.add(finish);
    });
  }
}

/** The hash says it all but for the partition key, under which entries are kept apart. */
function idOf(fragment: Fragment): string {
  return `${fragment.partitionKey}\0${fragment.hash}`;
}
