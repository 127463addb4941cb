import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Client } from 'pg';
import { openPostgresqlArray } from '../../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { DatabaseEviction } from '../../../src/cache/backends/postgresql/database-eviction';
import type { CacheBackend, CacheChange } from '../../../src/cache/cache-backend';
import { chooseEvictions, type EvictionCandidate } from '../../../src/cache/eviction/choose-evictions';
import { type EvictionLimits, evictionStrategies } from '../../../src/cache/eviction/eviction-policy';
import { stringifyTagged } from '../../../src/cache/codecs/tagged-json';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { type ControlPool, openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import { hashOf, sampleEntry } from '../../support/cache-entries';
import { CliSession } from '../../support/cli-session';
import { hasPgCron, startCronServer } from '../../support/cron-server';
import { type PostgresServer } from '../../support/postgres-server';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

const schema = { schema: 'the "cache"', tablePrefix: "My ' " };
const entryTable = `"the ""cache"""."My ' entry"`;

(hasPgCron ? describe : describe.skip)('eviction in the database (needs Debian postgresql-15-cron)', () => {
  let server: PostgresServer;
  let directory: TemporaryDirectory;
  let admin: Client;
  let cron: Client;
  let pool: ControlPool;
  let backend: CacheBackend;
  let file: string;
  let cli: CliSession;
  beforeAll(async () => {
    server = await startCronServer();
    directory = await temporaryDirectory('eviction');
    const connection = server.connectionOptions(await server.createDatabase());
    [admin, cron] = [new Client(connection), new Client(server.connectionOptions('postgres'))];
    for (const client of [admin, cron]) await client.connect();
    await cron.query('create extension pg_cron');
    await admin.query("create role keeper login password 'sesame'");
    pool = openPool(connection);
    await migrate(pool, cacheMigrations(schema));
    backend = await openPostgresqlArray({ pool: openPool(connection), schema, warn: () => undefined });
    await backend.registerPartitionKey('region', 'integer');
    await backend.registerPartitionKey('other', 'integer');
    const { host, port, database, user } = connection;
    const postgresql = {
      ...{ host, port, database, user, password_env: 'CACHE_PASSWORD' },
      ...{ schema: schema.schema, table_prefix: schema.tablePrefix },
    };
    file = join(directory.path, 'pcache.json');
    writeFileSync(file, JSON.stringify({ cache: { backend: 'postgresql_array', postgresql } }));
    cli = new CliSession({ CACHE_PASSWORD: server.password, KEEPER: 'sesame' });
  });
  afterAll(async () => {
    await cli[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
    await pool[Symbol.asyncDispose]();
    for (const client of [admin, cron]) await client.end();
    await server.stop();
    await directory[Symbol.asyncDispose]();
  });
  beforeEach(() => admin.query(`delete from ${entryTable}`));

  const eviction = (...args: string[]): ReturnType<CliSession['run']> =>
    cli.run(['eviction', ...args, '-c', file]);
  const objects = (text: string): unknown[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  const put = async (...names: string[]): Promise<void> => {
    for (const [at, text] of names.entries())
      await backend.put(sampleEntry(createKeySet('integer', [1n]), { text, at: Date.now() - 60_000 + at }));
  };
  const jobs = async (): Promise<unknown[]> =>
    (await cron.query('select schedule, command, database, username, active from cron.job')).rows;

  test('is set up, configured, run, looked at, and removed', async () => {
    expect(await eviction('status')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is not set up; run: pcache eviction setup/) as string,
    });
    expect(await eviction('setup')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/: set up\npg_cron 1\.4 in database postgres, .*every minute/) as string,
    });
    expect((await eviction('setup')).stdout).toMatch(/was set up before/);
    expect(await eviction('enable')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no limit/) as string,
    });
    expect((await eviction('config', '--max-entries', '2', '--strategy', 'oldest')).stdout).toBe(
      'disabled, schedule */10 * * * *, log kept 30 days\nstrategy oldest, limits: 2 entries\n',
    );
    expect(await jobs()).toEqual([]);
    expect(await eviction('enable')).toMatchObject({ code: 0, stderr: '' });
    const { database } = server.connectionOptions(pool.target.replace(/.*\/(\w+) as.*/, '$1'));
    expect(await jobs()).toEqual([
      {
        schedule: '*/10 * * * *',
        command: `select "the ""cache"""."My ' evict"('postgresql_array', true)`,
        ...{ database, username: 'postgres', active: true },
      },
    ]);
    await eviction('config', '--schedule', '5 * * * *');
    expect(await jobs()).toMatchObject([{ schedule: '5 * * * *' }]);

    await put('a', 'b', 'c');
    const changes: CacheChange[] = [];
    const stop = backend.subscribe((change) => changes.push(change));
    expect((await eviction('run', '--dry-run')).stdout).toMatch(
      /^region [0-9a-f]{64}: total; .*\n1 entries would be evicted/,
    );
    expect(objects((await eviction('run', '--dry-run', '--json')).stdout)).toMatchObject([
      { partition_key: 'region', hash: hashOf('a'), reason: 'total' },
      { dry_run: true, evicted: 1 },
    ]);
    expect(await eviction('run')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/Evict 1 entries\? .*say --yes/) as string,
    });
    expect((await eviction('run', '--yes')).stdout).toMatch(/^1 entries evicted/);
    await until('the change to be told', () => changes.length > 0);
    stop();
    expect(changes).toEqual([{ kind: 'deleted', partitionKey: 'region', hash: hashOf('a') }]);
    expect(await eviction('status')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^enabled, .*\n.*\nregion: 2 entries, \d+ bytes\nlast run .*: 1 of 3/,
      ) as string,
    });
    expect((await eviction('logs', '--limit', '1')).stdout).toMatch(/ oldest, .* 1 of 3 entries evicted/);
    expect(objects((await eviction('logs', '--limit', '1', '--json')).stdout)).toMatchObject([
      { strategy: 'oldest', entries: 3, evicted: 1, by_total: 1 },
    ]);
    expect(objects((await eviction('status', '--json')).stdout)).toMatchObject([
      {
        ...{ enabled: true, schedule: '5 * * * *', limits: { max_entries: 2, strategy: 'oldest' } },
        partition_keys: [{ partition_key: 'region', entries: 2 }],
        last_run: { evicted: 1 },
      },
    ]);
    for (const [command, expected] of Object.entries({
      setup: { is_new: false, cron_database: 'postgres', cron_version: '1.4' },
      config: { enabled: true, limits: { max_entries: 2 } },
      enable: { enabled: true },
    }))
      expect(objects((await eviction(command, '--json')).stdout)).toMatchObject([expected]);

    // What the job runs, as it runs it.
    await put('d', 'e', 'f');
    const job = (await jobs())[0] as { command: string };
    expect((await admin.query(job.command)).rows).toEqual([{ "My ' evict": '3' }]);
    await eviction('disable');
    expect(await jobs()).toEqual([]);
    await put('g', 'h', 'i');
    expect((await admin.query(job.command)).rows).toEqual([{ "My ' evict": null }]);
    expect((await eviction('remove')).stderr).toMatch(
      /Remove eviction, .*Nobody can be asked here: say --yes/,
    );
    expect(await eviction('remove', '--yes')).toMatchObject({ code: 0, stdout: 'removed\n' });
    expect(await eviction('status')).toMatchObject({ code: 1 });
    expect(await backend.count('region')).toBe(5);
  });

  test('names the grants a role lacks, and what is not there', async () => {
    await eviction('setup', '--max-entries', '2');
    await admin.query(`grant usage on schema "the ""cache""" to keeper`);
    await admin.query(`grant select, update on "the ""cache"""."My ' eviction_config" to keeper`);
    const asKeeper = ['--user', 'keeper', '--password-env', 'KEEPER'];
    const { code, stderr } = await eviction('enable', ...asKeeper);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/grant usage on schema cron to keeper/)]);
    expect((await eviction('setup', ...asKeeper)).stderr).toMatch(
      /say --cron-database, or --user of a superuser/,
    );
    expect((await eviction('setup', '--cron-database', 'template1')).stderr).toMatch(
      /as a superuser, run there: create extension pg_cron/,
    );
    await eviction('remove', '--yes');
  });

  test('a statement that was decided on before its entry went has its keys, or lets all through', async () => {
    await eviction('setup', '--max-entries', '1');
    await put('a', 'b');
    const entry = await backend.describe('region', hashOf('a'));
    const lazy = entry && backend.lazy?.([entry]);
    if (lazy === undefined) throw new Error('it cannot be read in place');
    const text = `select ${lazy.changed} as changed, array(${lazy.rows}) as keys`;
    await admin.query('begin isolation level repeatable read');
    expect((await admin.query(text)).rows).toEqual([{ changed: false, keys: ['1'] }]);
    expect((await eviction('run', '--yes')).stdout).toMatch(/^1 entries evicted/);
    // The snapshot is from before.
    expect((await admin.query(text)).rows).toEqual([{ changed: false, keys: ['1'] }]);
    await admin.query('commit');
    expect((await admin.query(text)).rows).toEqual([{ changed: true, keys: [] }]);
    await eviction('remove', '--yes');
  });

  test('waits for nobody: what another one is writing stays, and only one run is at it', async () => {
    await eviction('setup', '--max-entries', '1');
    await put('a', 'b', 'c');
    await admin.query('begin');
    await admin.query(`update ${entryTable} set uses = uses + 1 where hash = decode($1, 'hex')`, [
      hashOf('a'),
    ]);
    expect((await eviction('run', '--yes')).stdout).toMatch(/^1 entries evicted/);
    await admin.query('rollback');
    await admin.query('begin');
    await admin.query(`select "the ""cache"""."My ' evict"('postgresql_array', false)`);
    expect((await eviction('run', '--yes')).stdout).toBe('another run is under way\n');
    await admin.query('rollback');
    expect(await backend.count('region')).toBe(2);
    await eviction('remove', '--yes');
  });

  test('chooses what the other backends would', async () => {
    await eviction('setup', '--max-entries', '2');
    const database = new DatabaseEviction(pool, schema, 'postgresql_array');
    const hour = 3_600_000;
    const entries = fc.array(
      fc.record({
        partitionKey: fc.constantFrom('region', 'other'),
        hours: fc.nat(200),
        computeMs: fc.nat(1_000),
        savedMs: fc.integer({ min: -2_000, max: 9_000 }),
        bytes: fc.constantFrom(0, 8, 100, 5_000),
      }),
      { maxLength: 12 },
    );
    const limit = fc.option(fc.nat(8), { nil: undefined });
    const limits: fc.Arbitrary<EvictionLimits> = fc.record({
      strategy: fc.constantFrom(...evictionStrategies),
      // Half an hour beside every entry, so that the two clocks may differ.
      maxAgeMs: fc.option(
        fc.nat(200).map((hours) => (hours + 0.5) * hour),
        { nil: undefined },
      ),
      maxEntries: limit,
      maxBytes: fc.option(fc.nat(9_000), { nil: undefined }),
      maxEntriesPerKey: limit,
      maxBytesPerKey: fc.option(fc.nat(6_000), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(entries, limits, async (written, limits) => {
        await admin.query(`delete from ${entryTable}`);
        const now = Date.now();
        const candidates = written.map(
          ({ partitionKey, hours, computeMs, savedMs, bytes }, i): EvictionCandidate => {
            const at = now - hours * hour;
            return {
              partitionKey,
              hash: hashOf(String(i)),
              createdAt: at,
              lastUsedAt: at - 5,
              computeMs,
              savedMs,
              bytes,
            };
          },
        );
        const { fragment } = sampleEntry(createKeySet('integer', [1n]));
        // What cannot be read, whoever hears of it removes.
        const rows = candidates.map((candidate) => ({
          ...candidate,
          fragment: stringifyTagged({
            ...fragment,
            partitionKey: candidate.partitionKey,
            hash: candidate.hash,
          }),
        }));
        await admin.query(
          `insert into ${entryTable} (backend, partition_key, hash, fragment, status, key_count, has_null_key, created_at, last_used_at, compute_ms, saved_ms, bytes)
           select 'postgresql_array', c->>'partitionKey', decode(c->>'hash', 'hex'), (c->>'fragment')::jsonb, 'failed', 0, false,
                  to_timestamp((c->>'createdAt')::float8 / 1000), to_timestamp((c->>'lastUsedAt')::float8 / 1000),
                  (c->>'computeMs')::float8, (c->>'savedMs')::float8, (c->>'bytes')::bigint
             from jsonb_array_elements($1) as c`,
          [JSON.stringify(rows)],
        );
        await database.change({ limits });
        const expected = chooseEvictions(candidates, limits, now).map(
          ({ entry: { partitionKey, hash }, reason }) => `${partitionKey} ${hash} ${reason}`,
        );
        const chosen = (await database.choice()).map(
          ({ partitionKey, hash, reason }) => `${partitionKey} ${hash} ${reason}`,
        );
        expect(chosen.sort()).toEqual(expected.sort());
        expect(await database.run()).toBe(expected.length);
      }),
      { numRuns: 40 },
    );
    await eviction('remove', '--yes');
  });
});
