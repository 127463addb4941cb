import { openPostgresqlArray } from '../../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { MemoryBackend } from '../../../src/cache/backends/memory';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import type { CacheBackend, CacheEntry } from '../../../src/cache/cache-backend';
import { type RefreshableEntry, Refresher } from '../../../src/population/refresher';
import { entryOfRun } from '../../../src/population/run-entry';
import { PostgresqlSource } from '../../../src/population/sources/postgresql';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { makeFragment } from '../../support/make-fragment';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { TrackedDatabase, trackingSchemaName } from '../../support/tracked-database';

const never = new AbortController().signal;
const cacheSchema = { schema: 'pcache', tablePrefix: 'cache_' };
const attempt = { failuresBefore: 0, computeMs: 7, now: 0 };

/** Which regions have a place of more than 90 people. */
const fragment: Fragment = {
  ...makeFragment('select distinct t1.region_id from public.place t1 where t1.population > 90', {
    datatype: 'integer',
  }),
  tables: [{ schema: 'public', name: 'place', only: false, keyColumn: 'region_id' }],
  conjuncts: [],
};

describe.each([{ way: 'through the proxy' }, { way: 'in place' }])(
  'bringing entries up to date $way',
  ({ way }) => {
    let server: PostgresServer;
    let database: TrackedDatabase;
    let backend: CacheBackend;
    let source: PostgresqlSource;
    /** What the entry is, computed as a whole. */
    let computed: () => Promise<CacheEntry>;
    const troubles: unknown[] = [];
    /** Why a run was not in place. */
    const refusals: string[] = [];
    const isInPlace = way === 'in place';

    beforeAll(async () => {
      server = await startPostgres();
    });
    beforeEach(async () => {
      database = await TrackedDatabase.open(
        server,
        `create table place (id int primary key, region_id int, population int);
       insert into place select i, i % 50, i % 100 from generate_series(1, 1000) as i;`,
      );
      await database.track({ 'public.place': 'region_id' });
      const warn = (message: string): void => {
        throw new Error(message);
      };
      await migrate(database.pool, cacheMigrations(cacheSchema));
      backend = isInPlace
        ? await openPostgresqlArray({ pool: openPool(database.connection), schema: cacheSchema, warn })
        : new MemoryBackend({ warn });
      await backend.registerPartitionKey(fragment.partitionKey, 'integer');
      const plain = new PostgresqlSource({
        pool: database.pool,
        timeoutMs: 20_000,
        maxKeys: 1_000,
        changeLogOf: () => trackingSchemaName,
      });
      computed = async () => {
        const outcome = await plain.run(fragment, never);
        if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
        return entryOfRun(fragment, outcome, attempt);
      };
      await backend.put(await computed());
      troubles.length = 0;
      refusals.length = 0;
      source = new PostgresqlSource({
        ...{ pool: database.pool, timeoutMs: 20_000, maxKeys: 1_000, changeLogOf: () => trackingSchemaName },
        ...(isInPlace
          ? {
              inPlace: { store: () => backend.inPlace, refused: (reason) => void refusals.push(reason) },
            }
          : {}),
      });
    });
    afterEach(async () => {
      await backend[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      expect(troubles).toEqual([]);
      expect(refusals).toEqual([]);
    });
    afterAll(async () => {
      await server.stop();
    });

    async function stored(): Promise<CacheEntry> {
      const entry = await backend.get(fragment.partitionKey, fragment.hash);
      if (entry === undefined) throw new Error('there is no entry');
      return entry;
    }

    async function refresh(maxChanged: number): Promise<number> {
      const { snapshot, origin } = await stored();
      const { partitionKey, hash } = fragment;
      const entry: RefreshableEntry = {
        partitionKey,
        hash,
        snapshot,
        ...(origin === undefined ? {} : { origin }),
      };
      await using refresher = new Refresher({
        pool: database.pool,
        ...{ source, backend, maxChanged },
        schema: trackingSchemaName,
        entries: () => [entry],
        checkMs: 60_000,
        events: {
          started: () => undefined,
          finished: () => undefined,
          skipped: () => undefined,
          trouble: (_, error) => troubles.push(error),
        },
      });
      return await refresher.refresh();
    }

    const keysOf = ({ keys }: CacheEntry): readonly unknown[] => [...(keys?.values() ?? [])];

    test.each<[string, string]>([
      ['a key that comes to be in it', 'update place set population = 99 where id = 3'],
      ['a key that is in it no more', 'delete from place where region_id = 45'],
      ['a key that changes and stays', 'update place set population = population + 1 where region_id = 46'],
      ['rows that move between keys', 'update place set region_id = 60 where population = 95'],
      ['a NULL key', 'update place set region_id = null where population = 97'],
    ])('%s', async (_, change) => {
      await database.client.query(change);
      const before = await stored();
      expect(await refresh(0)).toBe(1);
      const after = await stored();
      const anew = await computed();
      expect(keysOf(after)).toEqual(keysOf(anew));
      expect(after.snapshot).not.toBe(before.snapshot);
      expect(after.origin).toEqual(anew.origin);
      expect(after.computeMs).toBe(7);
      // There is nothing left to be done.
      expect(await refresh(0)).toBe(0);
    });

    test('looks at the changed keys only', async () => {
      await database.client.query('delete from place where region_id = 45');
      // A key that nobody has, and that has not changed either: it stays, for it is not looked at.
      const known = await stored();
      const keys = createKeySet('integer', [...(known.keys?.values() ?? []), 1_234n]);
      await backend.put({ ...known, keys, keyCount: keys.size });
      expect(await refresh(0)).toBe(1);
      const after = keysOf(await stored());
      expect(after).toContain(1_234n);
      expect(after).not.toContain(45n);
    });

    test('leaves an entry alone that has seen most', async () => {
      const before = await stored();
      await database.client.query('update place set population = 99 where id in (3, 4)');
      expect(await refresh(2)).toBe(0);
      expect(await stored()).toEqual(before);
      expect(await refresh(1)).toBe(1);
    });

    test('computes anew what says nothing any more', async () => {
      await database.client.query('truncate place; insert into place values (1, 7, 95)');
      expect(await refresh(100)).toBe(1);
      expect(keysOf(await stored())).toEqual([7n]);
    });

    test('computes anew what is from when the data was promised not to change', async () => {
      const { origin, ...unstamped } = await stored();
      await backend.put(unstamped);
      expect(await refresh(100)).toBe(1);
      expect((await stored()).origin).toEqual(origin);
    });

    test('removes what cannot be computed any more', async () => {
      await database.tracking.remove();
      expect(await refresh(100)).toBe(1);
      expect(await backend.get(fragment.partitionKey, fragment.hash)).toBeUndefined();
    });
  },
);
