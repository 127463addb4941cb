/** The operations of a CacheBackend, as they are counted. */
export const cacheOperations = [
  'open',
  'register',
  'partitionKeys',
  'put',
  'get',
  'describe',
  'delete',
  'intersect',
  'list',
  'count',
  'drop',
] as const;
export type CacheOperation = (typeof cacheOperations)[number];

/** ok; failed: the store did not answer; refused: it was not asked, because it is away. */
export const cacheOutcomes = ['ok', 'failed', 'refused'] as const;
export type CacheOutcome = (typeof cacheOutcomes)[number];

/** What the store of key sets is seen to do. */
export interface CacheEvents {
  /** What an operation rejects with because of its arguments is no failure of the store, and ok. */
  ended(operation: CacheOperation, outcome: CacheOutcome, seconds: number): void;
  /** The store has not answered for a while and is not asked any more, but for probes. */
  away(reason: string): void;
  /** It answers again. */
  back(awayMs: number): void;
  /** Something that is not as it should be, whatever the store does. */
  trouble(message: string, cause: unknown): void;
}
