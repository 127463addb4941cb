import type { CacheBackend, EntryDescription } from '../../cache/cache-backend';
import { confirm } from '../confirm';
import { type JsonFlag, tell } from '../output';
import { ProgressBar } from '../progress-bar';
import type { YesFlag } from '../yes-flag';
import { checkPartitionKey } from './known-partition-key';

export interface RemoveEntries {
  readonly partitionKey: string | undefined;
  readonly isMeant: (entry: EntryDescription) => boolean;
  /** Follows `N entries of M bytes, `. */
  readonly what: string;
  readonly isDry: boolean;
}

/** Counts the entries that are meant, asks, and removes them; one that is not meant any more by then stays. */
export async function removeEntries(
  cache: CacheBackend,
  flags: JsonFlag & YesFlag,
  { partitionKey, isMeant, what, isDry }: RemoveEntries,
): Promise<void> {
  await checkPartitionKey(cache, partitionKey);
  let [count, bytes] = [0, 0];
  for await (const entry of cache.list(partitionKey))
    if (isMeant(entry)) [count, bytes] = [count + 1, bytes + (entry.bytes ?? 0)];
  const found = `${count} entries of ${bytes} bytes, ${what}`;
  if (isDry || count === 0) {
    tell(flags, { entries: count, bytes, removed: 0 }, found);
    return;
  }
  if (!(await confirm(`Remove ${found}`, flags.yes))) return;
  let removed = 0;
  using bar = new ProgressBar(count, 'entries', flags);
  for await (const entry of cache.list(partitionKey)) {
    if (!isMeant(entry)) continue;
    const { fragment } = entry;
    if (await cache.delete(fragment.partitionKey, fragment.hash)) removed++;
    bar.advance();
  }
  bar.clear();
  tell(flags, { entries: count, bytes, removed }, `${removed} entries removed`);
}
