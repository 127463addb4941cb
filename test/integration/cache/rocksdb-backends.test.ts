import { openRocksdbBit } from '../../../src/cache/backends/rocksdb-bit';
import { openRocksdbSet } from '../../../src/cache/backends/rocksdb-set';
import { openRocksdict } from '../../../src/cache/backends/rocksdict';
import { openRocksdictRoaringbit } from '../../../src/cache/backends/rocksdict-roaringbit';
import type { RocksdbOptions } from '../../../src/cache/backends/rocksdb/rocksdb-backend';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { type BackendUnderTest, describeCacheBackend } from '../../support/cache-backend-conformance';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';

const bits = 100_000;

type Subject = Pick<BackendUnderTest, 'name' | 'keyTypes' | 'integerRange'> & {
  readonly openIn: (options: RocksdbOptions) => Promise<CacheBackend>;
};
const subjects: readonly Subject[] = [
  { name: 'rocksdb_set', keyTypes: ['integer', 'text'], openIn: openRocksdbSet },
  {
    name: 'rocksdb_bit',
    keyTypes: ['integer'],
    integerRange: { min: 0n, max: BigInt(bits) - 1n },
    openIn: (options) => openRocksdbBit({ ...options, bits }),
  },
  { name: 'rocksdict', keyTypes: ['integer', 'float', 'text', 'timestamp'], openIn: openRocksdict },
  { name: 'rocksdict_roaringbit', keyTypes: ['integer'], openIn: openRocksdictRoaringbit },
];

for (const { openIn, ...subject } of subjects) {
  let directory: TemporaryDirectory | undefined;
  const open = async ({ path }: TemporaryDirectory): Promise<CacheBackend> =>
    openIn({ path: `${path}/cache`, warn: () => undefined });

  describeCacheBackend({
    ...subject,
    open: async () => {
      await directory?.[Symbol.asyncDispose]();
      directory = await temporaryDirectory(subject.name);
      return open(directory);
    },
    reopen: async () => {
      if (directory === undefined) throw new Error('nothing was opened yet');
      return open(directory);
    },
  });

  afterAll(() => directory?.[Symbol.asyncDispose]());
}
