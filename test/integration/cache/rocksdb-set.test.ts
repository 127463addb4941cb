import { openRocksdbSet } from '../../../src/cache/backends/rocksdb-set';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { describeCacheBackend } from '../../support/cache-backend-conformance';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';

let directory: TemporaryDirectory | undefined;
const openIn = async ({ path }: TemporaryDirectory): Promise<CacheBackend> =>
  openRocksdbSet({ path: `${path}/cache`, warn: () => undefined });

afterEach(() => directory?.[Symbol.asyncDispose]());

describeCacheBackend({
  name: 'rocksdb_set',
  keyTypes: ['integer', 'text'],
  open: async () => {
    directory = await temporaryDirectory('rocksdb-set');
    return openIn(directory);
  },
  reopen: async () => {
    if (directory === undefined) throw new Error('nothing was opened yet');
    return openIn(directory);
  },
});
