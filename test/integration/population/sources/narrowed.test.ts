import { MemoryBackend } from '../../../../src/cache/backends/memory';
import { Directory } from '../../../../src/cache/directory';
import { narrowedFragment } from '../../../../src/engine/narrowed-fragment';
import { splitQuery } from '../../../../src/engine/split-query';
import { catalogVersion, stampCatalog } from '../../../../src/freshness/catalog-stamp';
import { entryOfRun } from '../../../../src/population/run-entry';
import { PostgresqlSource } from '../../../../src/population/sources/postgresql';
import { readCatalog } from '../../../../src/postgres/catalog/read-catalog';
import { readDatabaseIdentity } from '../../../../src/postgres/catalog/read-database-identity';
import { loadParser } from '../../../../src/query/ast/parser';
import type { Catalog } from '../../../../src/query/catalog/catalog';
import type { Fragment } from '../../../../src/query/fragment/fragment';
import { type PostgresServer, startPostgres } from '../../../support/postgres-server';
import { TrackedDatabase, trackingSchemaName } from '../../../support/tracked-database';

const never = new AbortController().signal;
const tables = new Map([
  ['public.place', 'region_id'],
  ['public.visit', 'region_id'],
]);
const base = { name: 'region', datatype: 'integer', tables, maxKeyShare: 1 } as const;
const query = `select * from place p join visit v on p.region_id = v.region_id
  where p.population > 150 and v.rating > 30 and v.place_id <> p.id`;

let server: PostgresServer;
let database: TrackedDatabase;
let identity: string;

beforeAll(async () => {
  await loadParser();
  server = await startPostgres();
  database = await TrackedDatabase.open(
    server,
    `create table place (id int primary key, region_id int, population int);
     create table visit (id int primary key, region_id bigint, place_id int, rating int);
     insert into place select i, nullif(i % 40, 7), i from generate_series(1, 200) i;
     insert into visit select i, nullif(i % 37, 5), i % 200, i % 40 from generate_series(1, 400) i;`,
  );
  await database.track({ 'public.place': 'region_id', 'public.visit': 'region_id' });
  identity = await readDatabaseIdentity(database.pool);
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await server?.stop();
});

/** What the engine would know, with entries put into it by hand. */
class Knowledge {
  readonly backend = new MemoryBackend({ warn: () => undefined });
  readonly directory = new Directory();
  readonly key;

  constructor(
    readonly catalog: Catalog,
    isExact: boolean,
  ) {
    this.key = isExact ? { ...base, changeLog: trackingSchemaName } : base;
  }

  static async open(isExact: boolean): Promise<Knowledge> {
    const version = await catalogVersion(database.pool, trackingSchemaName);
    if ('problem' in version) throw new Error(version.problem);
    const keys = [base];
    const catalog = await readCatalog(database.pool, keys, (client) =>
      stampCatalog(client, trackingSchemaName, version),
    );
    const knowledge = new Knowledge(catalog, isExact);
    await knowledge.backend.registerPartitionKey('region', 'integer');
    return knowledge;
  }

  async fragments(text: string): Promise<readonly Fragment[]> {
    const split = await splitQuery(
      { query: text, partitionKey: 'region', datatype: 'integer' },
      { pool: database.pool, catalog: this.catalog, databaseIdentity: identity, partitionKeys: [this.key] },
    );
    if ('refused' in split) throw new Error(split.refused);
    return split.fragments;
  }

  source(isNarrowing: boolean): PostgresqlSource {
    const { changeLog } = this.key as { readonly changeLog?: string };
    return new PostgresqlSource({
      ...{ pool: database.pool, timeoutMs: 20_000, maxKeys: 1_000, changeLogOf: () => changeLog },
      ...(isNarrowing ? { narrowed: (fragment) => this.narrowed(fragment) } : {}),
    });
  }

  narrowed(fragment: Fragment, method: 'inline' | 'in_subquery' = 'inline'): Promise<string | undefined> {
    const { backend, directory, key } = this;
    const catalog = (): Catalog => this.catalog;
    return narrowedFragment(fragment, { backend, directory, catalog, partitionKeys: [key], method });
  }

  async learn(fragment: Fragment): Promise<void> {
    const outcome = await this.source(false).run(fragment, never);
    if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
    const entry = entryOfRun(fragment, outcome, { failuresBefore: 0, computeMs: 1, now: Date.now() });
    await this.backend.put(entry);
    this.directory.put(entry);
  }
}

/** A text's keys and those of the fragment, in one snapshot. */
async function compared(text: string, fragment: Fragment): Promise<{ narrowed: unknown; plain: unknown }> {
  const keys = (sql: string): string =>
    `(select coalesce(array_agg(k::text order by k), '{}') from (${sql}) as f (k))`;
  const { rows } = await database.client.query(
    `select ${keys(text)} as narrowed, ${keys(fragment.sql)} as plain`,
  );
  return rows[0];
}

describe.each([
  ['static', false],
  ['exact', true],
])('%s', (_, isExact) => {
  test('a fragment is restricted by the smaller ones it implies, by every method, with the same keys', async () => {
    const known = await Knowledge.open(isExact);
    const [whole, ...smaller] = await known.fragments(query);
    if (whole === undefined) throw new Error('no fragment');
    expect(smaller.length).toBeGreaterThan(1);
    expect(await known.narrowed(whole)).toBeUndefined();
    for (const fragment of smaller) await known.learn(fragment);
    for (const method of ['inline', 'in_subquery'] as const) {
      const text = await known.narrowed(whole, method);
      expect(text).toContain('ANY (');
      const { narrowed, plain } = await compared(text ?? '', whole);
      expect(narrowed).toEqual(plain);
    }
    const keysOf = async (isNarrowing: boolean): Promise<unknown> => {
      const outcome = await known.source(isNarrowing).run(whole, never);
      return outcome.status === 'ok'
        ? { keys: [...outcome.keys].sort(), hasNullKey: outcome.hasNullKey }
        : outcome;
    };
    expect(await keysOf(true)).toEqual(await keysOf(false));
  });

  test('a NULL key is found as it is without', async () => {
    const known = await Knowledge.open(isExact);
    const [wide] = await known.fragments('select * from place where population > 100');
    const [narrow] = await known.fragments('select * from place where population > 100 and id < 190');
    if (wide === undefined || narrow === undefined) throw new Error('no fragment');
    await known.learn(wide);
    expect(await known.narrowed(narrow)).toContain('IS NULL');
    const outcome = await known.source(true).run(narrow, never);
    expect(outcome).toMatchObject({ status: 'ok', hasNullKey: true });
  });

  test('its own entry, and one of other conditions, are no use', async () => {
    const known = await Knowledge.open(isExact);
    const [one] = await known.fragments('select * from place where population > 100');
    const [other] = await known.fragments('select * from place where population > 101');
    if (one === undefined || other === undefined) throw new Error('no fragment');
    await known.learn(one);
    expect(await known.narrowed(one)).toBeUndefined();
    expect(await known.narrowed(other)).toBeUndefined();
  });

  test('a text that the server refuses is run again as it is', async () => {
    const known = await Knowledge.open(isExact);
    const [fragment] = await known.fragments('select * from place where population > 100');
    if (fragment === undefined) throw new Error('no fragment');
    const { changeLog } = known.key as { readonly changeLog?: string };
    const source = new PostgresqlSource({
      ...{ pool: database.pool, timeoutMs: 20_000, maxKeys: 1_000, changeLogOf: () => changeLog },
      narrowed: (own) => Promise.resolve(`${own.sql} AND 1 / 0 = 1`),
    });
    expect(await source.run(fragment, never)).toMatchObject({ status: 'ok' });
  });
});

test('exact: whatever was changed since, and is being changed, the keys are the same in every snapshot', async () => {
  const known = await Knowledge.open(true);
  const [whole, ...smaller] = await known.fragments(query);
  if (whole === undefined) throw new Error('no fragment');
  for (const fragment of smaller) await known.learn(fragment);
  const text = (await known.narrowed(whole)) ?? '';
  const old = await database.connect();
  await old.query('begin isolation level repeatable read; select count(*) from place');
  let isOver = false;
  const writing = (async () => {
    const writer = await database.connect();
    for (let i = 0; !isOver; i++) {
      const id = 1 + ((i * 7919) % 200);
      await writer.query(
        `update place set population = (population + 97 * ${i}) % 260, region_id = nullif((id + ${i}) % 40, 3) where id = ${id}`,
      );
      await writer.query(
        `update visit set rating = (rating + ${i}) % 45, region_id = nullif((id + ${i}) % 37, 2) where id = ${id}`,
      );
    }
    await writer.end();
  })();
  try {
    for (let round = 0; round < 60; round++) {
      if (round % 20 === 19) for (const fragment of smaller) await known.learn(fragment);
      const renewed = (await known.narrowed(whole)) ?? '';
      for (const each of [text, renewed]) {
        const { narrowed, plain } = await compared(each, whole);
        expect(narrowed).toEqual(plain);
      }
    }
    // Entries newer than the snapshot: every key passes (rule F4).
    const newer = (await known.narrowed(whole)) ?? '';
    const keys = (sql: string): string =>
      `(select coalesce(array_agg(k::text order by k), '{}') from (${sql}) as f (k))`;
    const { rows } = await old.query(`select ${keys(newer)} = ${keys(whole.sql)} as same`);
    expect(rows).toEqual([{ same: true }]);
  } finally {
    isOver = true;
    await writing;
    await old.end();
  }
  await database.client.query(
    'create table kept as select * from place; truncate place; insert into place select id, (id * 3) % 40, 200 from kept',
  );
  const { narrowed, plain } = await compared(text, whole);
  expect(narrowed).toEqual(plain);
});
