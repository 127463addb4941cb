/** Work that somebody would like to have done, and how much. */
export interface WorkRequest<Work> {
  readonly work: Work;
  /** Greater is more wanted. Requests for the same work add up. */
  readonly priority: number;
}

export type PushOutcome =
  /** New in the queue. */
  | 'added'
  /** It was there, or is being done; its priority has risen. */
  | 'raised'
  /** The queue is full of work that is wanted more; or it could never be done, as it is no text to a server. */
  | 'dropped';

/** Work handed to one worker, which must `complete`, `fail`, `bury` or `release` it. */
export interface WorkLease<Work> {
  readonly work: Work;
  readonly priority: number;
  /** How often it has been claimed, this time included and releases left out; 1 at first. */
  readonly attempt: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly queuedAt: number;
  /** The provider's mark of this very claim: a lease that has run out cannot end one given to another worker since. */
  readonly token: string;
}

export type FailOutcome =
  /** It can be claimed again from `at` on, in milliseconds since 1970. */
  | { readonly kind: 'retried'; readonly at: number }
  /** It has failed too often and is now a dead letter. */
  | { readonly kind: 'buried' };

export interface QueueLengths {
  /** Can be claimed now. */
  readonly waiting: number;
  /** Will be claimable after its back-off. */
  readonly delayed: number;
  readonly running: number;
  /** Dead letters that are kept. */
  readonly dead: number;
  /** How long the oldest of what waits has been in the queue, in milliseconds; absent if nothing does. */
  readonly oldestMs?: number;
}

/** Work that failed once too often or cannot be done at all, and how the last attempt ended. */
export interface DeadLetter {
  /** What it would have run. */
  readonly query: string;
  readonly partitionKey: string;
  readonly reason: string;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly buriedAt: number;
}

/**
 * Work to be done for one database, each piece at most once at a time, most wanted first. One file per provider, in this folder; all pass
 * one suite of tests.
 *
 * A piece of work is in at most one of these states:
 *
 *   absent   -> waiting   push
 *   waiting  -> running   claim
 *   running  -> absent    complete
 *   running  -> delayed   fail, release with a delay
 *   running  -> waiting   release; a lease that has run out, in providers that outlive their workers
 *   delayed  -> waiting   its time has come
 *   running  -> dead      bury; fail, or a lease run out, once too often
 *   dead     -> waiting   push, with its attempts forgotten
 *   waiting, delayed -> absent   dropped for being wanted least in a full queue; clear
 *
 * A worker holds a lease for `leaseMs` from the claim or from the last `extend`. Whether work is worth doing at all is not the queue's
 * question. All methods reject with QueueUnavailableError if the provider is out of reach or not set up.
 */
export interface WorkQueue<Work> extends AsyncDisposable {
  readonly name: string;
  /** How long a lease holds without `extend`, in milliseconds; Infinity where a worker cannot be gone without the queue. */
  readonly leaseMs: number;

  /** One outcome per request, in order. */
  push(requests: readonly WorkRequest<Work>[]): Promise<readonly PushOutcome[]>;
  /**
   * Waits for the most wanted work, the oldest among equals. Resolves to undefined when aborted or disposed of, at once, whatever a
   * server is doing meanwhile: what it hands out too late is given back.
   */
  claim(signal: AbortSignal): Promise<WorkLease<Work> | undefined>;
  /** The lease holds for another `leaseMs`. Resolves to false if it is not held any more. So do the next four. */
  extend(lease: WorkLease<Work>): Promise<boolean>;
  complete(lease: WorkLease<Work>): Promise<boolean>;
  /** The attempt failed; the work is tried again after a back-off, or buried. */
  fail(lease: WorkLease<Work>, reason: string): Promise<FailOutcome | false>;
  /** No attempt will do: a dead letter. */
  bury(lease: WorkLease<Work>, reason: string): Promise<boolean>;
  /** Gives it back as if it had not been claimed, claimable again after the delay. */
  release(lease: WorkLease<Work>, delayMs?: number): Promise<boolean>;
  /** Removes what waits or is delayed, and resolves to how much that was. What is running is its worker's to end; dead letters stay. */
  clear(): Promise<number>;
  lengths(): Promise<QueueLengths>;
  /** The latest ones, latest first. */
  deadLetters(limit: number): Promise<readonly DeadLetter[]>;
}
