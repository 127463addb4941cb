import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ConnectionOptions } from '../../support/postgres-server';
import { describeVersions, describeWith } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';

const run = promisify(execFile);

/** Debian's: another Python in the path need not have the package. */
const python = ['/usr/bin/python3'].find((path) => spawnSync(path, ['-c', 'import psycopg2']).status === 0);

describeWith('psycopg2', python, (program) =>
  describeVersions('psycopg2', (binaries) => {
    let database: ProxiedDatabase;

    beforeAll(async () => {
      database = await ProxiedDatabase.start({ binaries, settings: { max_prepared_transactions: 2 } });
    });

    afterAll(() => database?.[Symbol.asyncDispose]());

    const session = async (connection: ConnectionOptions): Promise<[string, unknown][]> => {
      const { stdout } = await run(program, [join(__dirname, 'psycopg2-session.py')], {
        env: { PATH: process.env['PATH'], PYTHONUTF8: '1', ...database.environment(connection) },
        maxBuffer: 64 * 1024 * 1024,
      });
      return JSON.parse(stdout);
    };

    test('a long session with all it can do', async () => {
      const seen = new Map(await database.expectSame(session, { hits: 8 }));
      expect(seen.get('canceled')).toMatchObject([
        'QueryCanceled',
        expect.any(String),
        '57014',
        expect.anything(),
      ]);
      expect(seen.get('copy in')).toBe(3000);
      expect(seen.get('recovered')).toEqual([[1, 'matrix', 'branch', 'matrix']]);
      expect(seen.get('large object')).toBe(60_000);
      expect(seen.get('notifications')).toEqual([['news', 'read all about it', true]]);
    });

    test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
  }),
);
