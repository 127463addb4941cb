import type { Explanation, FragmentExplanation } from './explanation';

/** An explanation as a value for JSON, with names in the manner of PostgreSQL's plans. What does not apply is left out. */
export function renderJson({
  mode,
  reason,
  fingerprint,
  coverage,
  blocks,
  restricted,
}: Explanation): Readonly<Record<string, unknown>> {
  return {
    Restricted: reason === undefined,
    Reason: reason,
    Mode: mode,
    Fingerprint: fingerprint,
    Coverage: coverage,
    Method: restricted?.method,
    Why: restricted?.why,
    Blocks: blocks.map((block) => ({
      Text: block.words,
      Location: block.location,
      Tables: block.tables,
      Reason: block.reason,
      Keys: block.classes.map(({ partitionKey, columns, keysKept, totalKeys, fragments }) => ({
        'Partition Key': partitionKey,
        Columns: columns,
        'Keys Kept': keysKept,
        'All Keys': totalKeys,
        Fragments: fragments.map(fragmentJson),
      })),
      'Conditions Not Used': block.leftOut,
    })),
    'Rewritten Text': restricted?.text,
  };
}

function fragmentJson({ hash, sql, status, keyCount, retryAt }: FragmentExplanation): object {
  return {
    Hash: hash,
    SQL: sql,
    Status: status,
    'Key Count': keyCount,
    'Tried Again': retryAt === undefined ? undefined : retryTime(retryAt),
  };
}

function retryTime(retryAt: number): string {
  return Number.isFinite(retryAt) ? new Date(retryAt).toISOString() : 'never';
}
