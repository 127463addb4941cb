import type { CacheChange, EntryDescription } from '../../../src/cache/cache-backend';
import { Directory } from '../../../src/cache/directory';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { DirectoryLoader } from '../../../src/engine/directory-loader';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import { descriptionOf, hashOf, sampleEntry } from '../../support/cache-entries';
import { until } from '../../support/until';

const keys = createKeySet('integer', [1n]);
const entryOf = (text: string, at = 1_000): EntryDescription =>
  descriptionOf(sampleEntry(keys, { text, at }));

/** A listing that gives an entry only when it is told to, and a directory that is loaded from it. */
function loading(): {
  readonly directory: Directory;
  readonly loader: DirectoryLoader;
  readonly give: (...entries: EntryDescription[]) => Promise<void>;
  readonly end: (error?: Error) => void;
  readonly tell: (change: CacheChange) => void;
  readonly warnings: string[];
} {
  const directory = new Directory();
  const waiting: EntryDescription[] = [];
  const warnings: string[] = [];
  let isOver = false;
  let failure: Error | undefined;
  async function* list(): AsyncGenerator<EntryDescription> {
    for (;;) {
      await until('an entry, or the end', () => waiting.length > 0 || isOver);
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else if (failure !== undefined) throw failure;
      else return;
    }
  }
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_fields: object, message: string) => void warnings.push(message),
  };
  const loader = new DirectoryLoader(
    { backend: { list }, partitionKeys: [{ name: 'region' }], log },
    directory,
    () => undefined,
  );
  return {
    directory,
    loader,
    warnings,
    give: async (...entries) => {
      waiting.push(...entries);
      await until('they are taken', () => waiting.length === 0);
      // What was taken is put in the turn after that at the latest.
      await new Promise((resolve) => setImmediate(resolve));
    },
    end: (error) => {
      failure = error;
      isOver = true;
    },
    tell: (change) => {
      loader.noteChange(change);
      directory.apply(change);
    },
  };
}

describe('DirectoryLoader', () => {
  test('reads what there is, and says that it does until it has', async () => {
    const { directory, loader, give, end } = loading();
    await give(entryOf('a'), entryOf('b'));
    expect([loader.isLoading, directory.size]).toEqual([true, 2]);
    expect(loader.troubles).toEqual(['what is cached is still being read (2 entries so far)']);
    end();
    await loader.finished;
    expect([loader.isLoading, loader.troubles]).toEqual([false, []]);
  });

  test('an entry that was deleted meanwhile does not come back', async () => {
    const { directory, loader, give, end, tell } = loading();
    tell({ kind: 'deleted', partitionKey: 'region', hash: hashOf('a') });
    await give(entryOf('a'), entryOf('b'));
    tell({ kind: 'deleted', partitionKey: 'region', hash: hashOf('b') });
    end();
    await loader.finished;
    expect(directory.size).toBe(0);
  });

  test('an entry that was put meanwhile stays as it was put, before or after it is listed', async () => {
    const { directory, loader, give, end, tell } = loading();
    tell({ kind: 'put', entry: entryOf('a', 9_000) });
    await give(entryOf('a'), entryOf('b'));
    tell({ kind: 'put', entry: entryOf('b', 9_000) });
    end();
    await loader.finished;
    expect([...directory.entries()].map(({ createdAt }) => createdAt)).toEqual([9_000, 9_000]);
  });

  test('of a partition key that was dropped meanwhile, only what was told after that is there', async () => {
    const { directory, loader, give, tell } = loading();
    await give(entryOf('a'));
    tell({ kind: 'dropped', partitionKey: 'region' });
    tell({ kind: 'put', entry: entryOf('c') });
    await give(entryOf('b'));
    await loader.finished;
    expect([...directory.entries()].map(({ hash }) => hash)).toEqual([hashOf('c')]);
  });

  test('a listing that breaks off leaves what was read', async () => {
    const { directory, loader, give, end, warnings } = loading();
    await give(entryOf('a'));
    end(new CacheUnavailableError('redis_set', 'gone'));
    await loader.finished;
    expect([directory.size, loader.isLoading]).toEqual([1, false]);
    expect(warnings).toEqual(['what is cached is not known yet; statements go as they came until it is']);
  });

  test('stopped, it puts nothing any more', async () => {
    const { directory, loader, give } = loading();
    loader.stop();
    await give(entryOf('a'));
    await loader.finished;
    expect(directory.size).toBe(0);
  });

  test('lets the event loop go on while it puts many', async () => {
    const { directory, loader } = loadingMany(4_000);
    let turns = 0;
    const count = (): void => {
      turns++;
      if (loader.isLoading) setImmediate(count);
    };
    setImmediate(count);
    await loader.finished;
    expect(directory.size).toBe(4_000);
    // In one go it would be one turn, or two.
    expect(turns).toBeGreaterThan(2);
  });
});

/** A listing that has all entries at hand: nothing but the loader itself lets the event loop go on. */
function loadingMany(count: number): { directory: Directory; loader: DirectoryLoader } {
  const entries = Array.from({ length: count }, (_, i) => entryOf(`entry ${i}`));
  const directory = new Directory();
  async function* list(): AsyncGenerator<EntryDescription> {
    yield* entries;
  }
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const options = { backend: { list }, partitionKeys: [{ name: 'region' }], log };
  return { directory, loader: new DirectoryLoader(options, directory, () => undefined) };
}
