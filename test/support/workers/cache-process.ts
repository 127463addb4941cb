import { MemoryBackend } from '../../../src/cache/backends/memory';
import { openRocksdbBit } from '../../../src/cache/backends/rocksdb-bit';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { Channel } from '../../../src/cli/workers/channel';
import { LentCache } from '../../../src/cli/workers/lent-cache';
import { lendStore, releaseStore, type WantedStore } from './cache-names';

/** Lends one store after the other, as an overseer does. */
const channel = new Channel(process);
const lent = new LentCache();
lent.lendTo(channel);
let opened: CacheBackend | undefined;

async function release(): Promise<undefined> {
  lent.lend(undefined);
  await opened?.[Symbol.asyncDispose]();
  opened = undefined;
}

async function open({ backend, path, bits }: WantedStore): Promise<CacheBackend> {
  const warn = (): void => undefined;
  if (backend === 'memory') return new MemoryBackend({ warn });
  return openRocksdbBit({ path, bits, warn });
}

channel.answer(lendStore, async (wanted) => {
  await release();
  opened = await open(wanted);
  lent.lend(opened);
  return undefined;
});
channel.answer(releaseStore, release);
void channel.whenClosed.then(release);
