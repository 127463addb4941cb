import type { CacheBackend, EntryDescription } from './cache-backend';
import type { Fragment } from '../query/fragment/fragment';

/** Which entries are to go. A table is named as `schema.table`, without quotes, as fragments have it. */
export type Invalidation =
  | { readonly kind: 'all' }
  | { readonly kind: 'partitionKey'; readonly partitionKey: string }
  | { readonly kind: 'table'; readonly table: string }
  | { readonly kind: 'fragment'; readonly hash: string };

/**
 * Removes entries, one after the other, and resolves to their number; what is not there any more by then is not counted. Partition keys stay
 * registered, so that proxies learn anew. Rejects with CacheUnavailableError, or with the signal's reason.
 */
export async function invalidate(
  backend: CacheBackend,
  invalidation: Invalidation,
  signal?: AbortSignal,
): Promise<number> {
  const only = invalidation.kind === 'partitionKey' ? invalidation.partitionKey : undefined;
  let removed = 0;
  for await (const entry of backend.list(only)) {
    signal?.throwIfAborted();
    const { partitionKey, hash } = entry.fragment;
    if (isMeant(entry, invalidation) && (await backend.delete(partitionKey, hash))) removed++;
  }
  return removed;
}

function isMeant({ fragment }: EntryDescription, invalidation: Invalidation): boolean {
  switch (invalidation.kind) {
    case 'all':
      return true;
    case 'partitionKey':
      return fragment.partitionKey === invalidation.partitionKey;
    case 'table':
      return readsTable(fragment, invalidation.table);
    case 'fragment':
      return fragment.hash === invalidation.hash;
  }
}

/** Whether rows of the table decide what its keys are. */
function readsTable({ tables, conjuncts }: Fragment, table: string): boolean {
  return (
    tables.some(({ schema, name }) => `${schema}.${name}` === table) ||
    conjuncts.some(({ reads }) => reads?.includes(table) === true)
  );
}
