import { Random } from '../oracle/random';
import { connected, reads, romes, write } from '../support/changing-data';
import { multiset } from '../support/engine-harness';
import { ProxiedDatabase } from '../support/proxied-database';
import { until } from '../support/until';

/** Reads that are checked of tables of each kind; `npm run test:long` asks for more. */
const checkedReads = Number(process.env['PCACHE_TEST_CHECKED_READS'] ?? 2_000) / 2;
describe.each([
  ['tables', false],
  ['a partitioned table', true],
])('an exact key of %s while the data changes', (_, isPartitioned) => {
  let database: ProxiedDatabase;

  beforeAll(async () => {
    database = await ProxiedDatabase.start({ consistency: 'exact', isPartitioned });
    await using direct = await connected(database.direct);
    const { rows } = await direct.client.query(`select count(*)::int as n from place where name = 'Rome'`);
    expect(rows).toEqual([{ n: romes }]);
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
  });

  test(`reads are those of the server, ${checkedReads} of them`, async () => {
    await using learning = await connected(database.through);
    await until('everything is learned', async () => {
      const before = await database.hits();
      for (const text of reads) await learning.client.query(text);
      return (await database.hits()) - before === reads.length;
    });
    const hitsBefore = await database.hits();
    let checked = 0;
    let written = 0;
    const isEnough = (): boolean => checked >= checkedReads;

    const writer = async (connection: object, seed: number): Promise<void> => {
      await using session = await connected(connection);
      const random = new Random(seed);
      while (!isEnough()) {
        await write(session.client, random);
        written++;
      }
    };
    /** One snapshot on two connections, one of them around the proxy. */
    const comparingReader = async (isolation: string): Promise<void> => {
      await using through = await connected(database.through);
      await using direct = await connected(database.direct);
      while (!isEnough()) {
        await direct.client.query(`begin isolation level ${isolation} read only`);
        const { rows } = await direct.client.query('select pg_export_snapshot() as name');
        await through.client.query(`begin isolation level ${isolation} read only`);
        await through.client.query(`set transaction snapshot '${String(rows[0].name)}'`);
        for (const text of reads) {
          const query = { text, rowMode: 'array' } as const;
          const expected = multiset(await direct.client.query<unknown[]>(query));
          expect({ text, rows: multiset(await through.client.query<unknown[]>(query)) }).toEqual({
            text,
            rows: expected,
          });
          checked++;
        }
        await through.client.query('commit');
        await direct.client.query('commit');
      }
    };
    /** Every statement has a snapshot of its own. */
    const countingReader = async (): Promise<void> => {
      await using through = await connected(database.through);
      while (!isEnough()) {
        const { rows } = await through.client.query(`select id, region_id from place where name = 'Rome'`);
        expect(rows).toHaveLength(romes);
        checked++;
      }
    };
    await Promise.all([
      writer(database.direct, 1),
      writer(database.through, 2),
      comparingReader('repeatable read'),
      comparingReader('serializable'),
      countingReader(),
    ]);
    expect(written).toBeGreaterThan(0);
    const share = ((await database.hits()) - hitsBefore) / checked;
    if (process.env['PCACHE_TEST_CHECKED_READS'] !== undefined)
      console.log(
        `${checked} reads checked, ${written} transactions written, ${(100 * share).toFixed(1)} % restricted`,
      );
    expect(share).toBeGreaterThan(0.8);
    expect(await database.trouble()).toEqual([]);
  }, 3_600_000);

  test('what a client writes is in what it reads, at once', async () => {
    await using session = await connected(database.through);
    const { client } = session;
    await client.query('begin');
    await client.query(
      `insert into place select 200000, 999, 'Rome', population, area, founded, seen, tags, info, sign from place where id = 1`,
    );
    expect((await client.query(reads[0] ?? '')).rows).toHaveLength(romes + 1);
    await client.query('rollback');
    expect((await client.query(reads[0] ?? '')).rows).toHaveLength(romes);
  });
});
