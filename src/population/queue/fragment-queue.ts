import type { Fragment } from '../../query/fragment/fragment';

/** A fragment that somebody would like to have an entry for, and how much. */
export interface FragmentRequest {
  readonly fragment: Fragment;
  /** Greater is more wanted. Requests for the same fragment add up. */
  readonly priority: number;
}

export type PushOutcome =
  /** New in the queue. */
  | 'added'
  /** It was there, or is being run; its priority has risen. */
  | 'raised'
  /** The queue is full of fragments that are wanted more. */
  | 'dropped';

/** A fragment handed to one worker, which must `complete`, `fail` or `release` it. */
export interface FragmentLease {
  readonly fragment: Fragment;
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
}

/**
 * Fragments that are to be run, each at most once at a time, most wanted first. One file per provider, in this folder.
 *
 * A fragment is in at most one of these states:
 *
 *   absent   -> waiting   push
 *   waiting  -> running   claim
 *   running  -> absent    complete
 *   running  -> delayed   fail, release with a delay
 *   running  -> waiting   release; a lease that has run out, in providers that outlive their workers
 *   delayed  -> waiting   its time has come
 *   running  -> dead      fail, once too often
 *   dead     -> waiting   push, with its attempts forgotten
 *   waiting, delayed -> absent   dropped for being wanted least in a full queue
 *
 * Whether a fragment is worth running at all is not the queue's question. All methods reject if the provider is out of
 * reach.
 */
export interface FragmentQueue extends AsyncDisposable {
  readonly name: string;

  /** One outcome per request, in order. */
  push(requests: readonly FragmentRequest[]): Promise<readonly PushOutcome[]>;
  /** Waits for the most wanted fragment, the oldest among equals. Resolves to undefined when aborted or disposed of. */
  claim(signal: AbortSignal): Promise<FragmentLease | undefined>;
  /** Resolves to false if the lease is not held any more. So do the next two. */
  complete(lease: FragmentLease): Promise<boolean>;
  /** The attempt failed; the fragment is tried again after a back-off, or buried. */
  fail(lease: FragmentLease, reason: string): Promise<FailOutcome | false>;
  /** Gives it back as if it had not been claimed, claimable again after the delay. */
  release(lease: FragmentLease, delayMs?: number): Promise<boolean>;
  lengths(): Promise<QueueLengths>;
}
