import { UnconnectedHelperError } from '../errors/unconnected-helper-error';
import type { OriginalQuery } from '../population/queue/work-kind';
import type {
  FailOutcome,
  PushOutcome,
  QueueLengths,
  WorkLease,
  WorkQueue,
} from '../population/queue/work-queue';
import { atMostLongest } from '../postgres/deadline';
import type { Fragment } from '../query/fragment/fragment';
import type { PartitionKeyType } from '../query/partition-key';
import { type CacheHandler, helperOf } from './cache-helper';
import type { HelperQueues } from './helper-queues';
import { checkKey } from './query-options';

/*
 * The queue is that of the helper's database, which its proxies and observers have as well. All reject with QueueUnavailableError if it cannot
 * be reached, and with UnconnectedHelperError.
 */

export interface PushQueryOptions {
  readonly query: string;
  readonly cacheHandler: CacheHandler;
  readonly partitionKey?: string;
  readonly partitionDatatype?: PartitionKeyType;
  /** Higher comes first; requests for the same work add up. Default: 1. */
  readonly priority?: number;
  /** Settings of the session that the query has its meaning in, such as search_path. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Queues a query, whose fragments an observer computes. */
export async function pushToOriginalQueryQueue(options: PushQueryOptions): Promise<PushOutcome> {
  const { query, cacheHandler, priority = 1, settings } = options;
  const helper = helperOf(cacheHandler);
  const { partitionKey, datatype } = helper;
  checkKey(partitionKey, options.partitionKey);
  checkPriority(priority);
  checkDatatype(datatype, options.partitionDatatype);
  const work: OriginalQuery = {
    ...{ query, partitionKey, datatype },
    ...(settings === undefined ? {} : { settings }),
  };
  const [outcome = 'dropped'] = await queuesOf(cacheHandler).originalQueries.push([{ work, priority }]);
  return outcome;
}

export interface PushFragmentsOptions {
  /** Of generateAllQueryHashPairs, or fragments. */
  readonly queryHashPairs: Iterable<Fragment | { readonly fragment: Fragment }>;
  readonly cacheHandler: CacheHandler;
  /** Default: 1. */
  readonly priority?: number;
}

/** Queues fragments, which an observer runs; one outcome for each, in order. */
export async function pushToQueryFragmentQueue(
  options: PushFragmentsOptions,
): Promise<readonly PushOutcome[]> {
  const { queryHashPairs, cacheHandler, priority = 1 } = options;
  checkPriority(priority);
  const { partitionKey } = helperOf(cacheHandler);
  const requests = [...queryHashPairs].map((pair) => {
    const work = 'fragment' in pair ? pair.fragment : pair;
    if (work.partitionKey !== partitionKey)
      throw new TypeError(`a fragment of ${work.partitionKey} is none of ${partitionKey}`);
    return { work, priority };
  });
  return queuesOf(cacheHandler).fragments.push(requests);
}

export interface LengthsOfQueues {
  /** Items that wait, also for another attempt. */
  readonly originalQueryQueue: number;
  readonly queryFragmentQueue: number;
  readonly details: {
    readonly originalQueryQueue: QueueLengths;
    readonly queryFragmentQueue: QueueLengths;
  };
}

export async function getQueueLengths(cacheHandler: CacheHandler): Promise<LengthsOfQueues> {
  const { originalQueries, fragments } = queuesOf(cacheHandler);
  const [original, fragment] = await Promise.all([originalQueries.lengths(), fragments.lengths()]);
  return {
    originalQueryQueue: original.waiting + original.delayed,
    queryFragmentQueue: fragment.waiting + fragment.delayed,
    details: { originalQueryQueue: original, queryFragmentQueue: fragment },
  };
}

/**
 * Work that was taken out of a queue, and is given to others if nothing is heard of it: it must be completed, failed, or released. Each
 * resolves to false if it is not held any more.
 */
export interface PoppedItem<Work> {
  readonly work: Work;
  readonly priority: number;
  /** 1 at first. */
  readonly attempt: number;
  /** How long it is held without `extend`, in milliseconds. */
  readonly leaseMs: number;
  readonly complete: () => Promise<boolean>;
  readonly extend: () => Promise<boolean>;
  /** It is tried again after a while, or is a dead letter. */
  readonly fail: (reason: string) => Promise<FailOutcome | false>;
  readonly release: () => Promise<boolean>;
}

/** The most wanted query, or undefined if none waits. */
export async function popFromOriginalQueryQueue(
  cacheHandler: CacheHandler,
): Promise<PoppedItem<OriginalQuery> | undefined> {
  return pop(queuesOf(cacheHandler).originalQueries);
}

/** Waits for one so long, in milliseconds; 0: not at all. */
export async function popFromOriginalQueryQueueBlocking(
  cacheHandler: CacheHandler,
  timeoutMs: number,
): Promise<PoppedItem<OriginalQuery> | undefined> {
  return popBlocking(queuesOf(cacheHandler).originalQueries, timeoutMs);
}

/** The most wanted fragment, or undefined if none waits. */
export async function popFromQueryFragmentQueue(
  cacheHandler: CacheHandler,
): Promise<PoppedItem<Fragment> | undefined> {
  return pop(queuesOf(cacheHandler).fragments);
}

/** Waits for one so long, in milliseconds; 0: not at all. */
export async function popFromQueryFragmentQueueBlocking(
  cacheHandler: CacheHandler,
  timeoutMs: number,
): Promise<PoppedItem<Fragment> | undefined> {
  return popBlocking(queuesOf(cacheHandler).fragments, timeoutMs);
}

function queuesOf(cacheHandler: CacheHandler): HelperQueues {
  const { queues, partitionKey } = helperOf(cacheHandler).parts();
  if (queues === undefined) throw new UnconnectedHelperError(partitionKey);
  return queues;
}

/** What is no number has no place in an order, and would stay where it is. */
function checkPriority(priority: number): void {
  if (!Number.isFinite(priority)) throw new TypeError(`priority: expected a number, got ${priority}`);
}

function checkDatatype(datatype: PartitionKeyType, asked: PartitionKeyType | undefined): void {
  if (asked !== undefined && asked !== datatype)
    throw new TypeError(`the cache helper's keys are of type ${datatype}, not ${asked}`);
}

/** What waits is there at once; others may be faster, and then there is none. */
const handOverMs = 2_000;

async function pop<Work>(queue: WorkQueue<Work>): Promise<PoppedItem<Work> | undefined> {
  const { waiting } = await queue.lengths();
  return waiting === 0 ? undefined : claim(queue, handOverMs);
}

async function popBlocking<Work>(
  queue: WorkQueue<Work>,
  timeoutMs: number,
): Promise<PoppedItem<Work> | undefined> {
  if (!(timeoutMs >= 0)) throw new TypeError(`timeoutMs: expected 0 or more, got ${timeoutMs}`);
  return timeoutMs === 0 ? pop(queue) : claim(queue, timeoutMs);
}

async function claim<Work>(queue: WorkQueue<Work>, timeoutMs: number): Promise<PoppedItem<Work> | undefined> {
  const lease = await queue.claim(AbortSignal.timeout(atMostLongest(Math.ceil(timeoutMs))));
  return lease === undefined ? undefined : popped(queue, lease);
}

function popped<Work>(queue: WorkQueue<Work>, lease: WorkLease<Work>): PoppedItem<Work> {
  const { work, priority, attempt } = lease;
  return {
    ...{ work, priority, attempt, leaseMs: queue.leaseMs },
    complete: () => queue.complete(lease),
    extend: () => queue.extend(lease),
    fail: (reason) => queue.fail(lease, reason),
    release: () => queue.release(lease),
  };
}
