import type { CacheBackend, EntryDescription } from '../../cache/cache-backend';
import { confirm } from '../confirm';

export interface RemoveEntries {
  readonly partitionKey: string | undefined;
  readonly isMeant: (entry: EntryDescription) => boolean;
  /** Follows `N entries of M bytes, `. */
  readonly what: string;
  readonly isDry: boolean;
  readonly isYes: boolean;
}

/** Counts the entries that are meant, asks, and removes them; one that is not meant any more by then stays. */
export async function removeEntries(
  cache: CacheBackend,
  { partitionKey, isMeant, what, isDry, isYes }: RemoveEntries,
): Promise<void> {
  let [count, bytes] = [0, 0];
  for await (const entry of cache.list(partitionKey))
    if (isMeant(entry)) [count, bytes] = [count + 1, bytes + (entry.bytes ?? 0)];
  const found = `${count} entries of ${bytes} bytes, ${what}`;
  if (isDry || count === 0) {
    process.stdout.write(`${found}\n`);
    return;
  }
  if (!(await confirm(`Remove ${found}`, isYes))) return;
  let removed = 0;
  for await (const entry of cache.list(partitionKey)) {
    const { fragment } = entry;
    if (isMeant(entry) && (await cache.delete(fragment.partitionKey, fragment.hash))) removed++;
  }
  process.stdout.write(`${removed} entries removed\n`);
}
