import { createHash } from 'node:crypto';
import type { Fragment } from '../../query/fragment/fragment';
import { type PartitionKeyType, partitionKeyTypes } from '../../query/partition-key';

/** A tier of the queue: what its work is, and how it is written down. */
export interface WorkKind<Work> {
  /** Name of the tier, and of its table. */
  readonly name: 'original_query_queue' | 'query_fragment_queue';
  /** Equal for equal work: 64 hexadecimal digits. Work for two partition keys is never equal. */
  hashOf(work: Work): string;
  queryOf(work: Work): string;
  keyOf(work: Work): { readonly partitionKey: string; readonly datatype: PartitionKeyType };
  encode(work: Work): string;
  /** Throws UnreadableWorkError for what `encode` has not written: it came from elsewhere, or from a later version. */
  decode(parsed: unknown): Work;
}

export class UnreadableWorkError extends Error {
  override readonly name = 'UnreadableWorkError';
}

/** A statement somebody wants to be fast, of which nothing is known yet. */
export interface OriginalQuery {
  readonly query: string;
  readonly partitionKey: string;
  readonly datatype: PartitionKeyType;
  /** Settings of the session it is from that give it its meaning, such as search_path. Absent: those of the control role. */
  readonly settings?: Readonly<Record<string, string>>;
}

export const originalQueries: WorkKind<OriginalQuery> = {
  name: 'original_query_queue',
  hashOf: ({ query, partitionKey, settings = {} }) =>
    digest([partitionKey, query, ...Object.entries(settings).sort().flat()]),
  queryOf: ({ query }) => query,
  keyOf: ({ partitionKey, datatype }) => ({ partitionKey, datatype }),
  encode: (work) => JSON.stringify(work),
  decode: (parsed) => {
    const { query, partitionKey, datatype, settings } = object(parsed);
    if (typeof query !== 'string' || typeof partitionKey !== 'string' || !isKeyType(datatype))
      throw new UnreadableWorkError('it is no original query');
    if (settings === undefined) return { query, partitionKey, datatype };
    return { query, partitionKey, datatype, settings: textsOf(settings) };
  },
};

export const fragments: WorkKind<Fragment> = {
  name: 'query_fragment_queue',
  /** The hash says it all but for the partition key, under which entries are kept apart. */
  hashOf: ({ partitionKey, hash }) => digest([partitionKey, hash]),
  queryOf: ({ sql }) => sql,
  keyOf: ({ partitionKey, datatype }) => ({ partitionKey, datatype }),
  encode: (fragment) => JSON.stringify(fragment),
  decode: (parsed) => {
    const { hash, partitionKey, datatype, tables, conjuncts, sql, contextId, settings } = object(parsed);
    const isFragment =
      [hash, partitionKey, sql, contextId].every((part) => typeof part === 'string') &&
      isKeyType(datatype) &&
      [tables, conjuncts].every(Array.isArray) &&
      typeof settings === 'object' &&
      settings !== null;
    if (!isFragment) throw new UnreadableWorkError('it is no fragment');
    return parsed as Fragment;
  },
};

function textsOf(settings: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(object(settings)).map(([name, value]) => [name, String(value)] as const);
  return Object.fromEntries(entries);
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function object(parsed: unknown): Readonly<Record<string, unknown>> {
  if (typeof parsed === 'object' && parsed !== null) return parsed as Readonly<Record<string, unknown>>;
  throw new UnreadableWorkError('it is no work');
}

function isKeyType(value: unknown): value is PartitionKeyType {
  return partitionKeyTypes.some((type) => type === value);
}
