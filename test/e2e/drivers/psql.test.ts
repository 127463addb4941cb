import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgresProgram, type ConnectionOptions } from '../../support/postgres-server';
import { describeVersions, describeWith } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';

const run = promisify(execFile);
const readme = readFileSync(join(__dirname, '../../../README.md'), 'utf8');

describeWith('psql', findPostgresProgram('psql'), (psql) =>
  describeVersions('psql', (binaries) => {
    let database: ProxiedDatabase;

    beforeAll(async () => {
      database = await ProxiedDatabase.start({ binaries });
    });

    afterAll(() => database?.[Symbol.asyncDispose]());

    /** Both streams in one, as a terminal would show them, without what is another number for each session. */
    const output = async (connection: ConnectionOptions, ...args: string[]): Promise<string> => {
      const { stdout } = await run(
        '/bin/sh',
        ['-c', '"$@" 2>&1 || echo "exit status $?"', 'sh', psql, '-X', ...args],
        {
          env: { ...process.env, ...database.environment(connection), PGCLIENTENCODING: 'UTF8' },
          maxBuffer: 64 * 1024 * 1024,
        },
      );
      return stdout.replaceAll(/(server process with PID )\d+/g, '$1…');
    };

    test('a long session with all it can do', async () => {
      const text = await database.expectSame(
        (connection) => output(connection, '-a', '-f', join(__dirname, 'psql.sql')),
        { hits: 20 },
      );
      // It is no session of errors.
      for (const expected of [
        '^',
        'LINE 4:',
        'Asynchronous notification',
        'note_amount_check',
        '10000',
        'FUNCTION',
      ])
        expect(text).toContain(expected);
    });

    test('definitions, of the same names too', () =>
      database.expectSame(
        (connection) => output(connection, '-a', '-f', join(__dirname, 'psql-definitions.sql')),
        {
          hits: 0,
        },
      ));

    test('-1, -c and ON_ERROR_STOP', () =>
      database.expectSame(
        async (connection) => [
          await output(
            connection,
            '-1',
            '-c',
            `select id from place where name = 'Rome' order by id`,
            '-c',
            'select x',
          ),
          await output(connection, '-v', 'ON_ERROR_STOP=1', '-c', 'select x', '-c', 'select 1'),
          await output(connection, '-At', '-c', `select id from place where name = 'Rome' order by id`),
        ],
        { hits: 1 },
      ));

    test('asks for encryption first and goes on without it', () =>
      database.expectSame(
        async (connection) =>
          [
            await output(connection, '-c', 'select 1', 'sslmode=prefer gssencmode=prefer'),
            await output(connection, '-c', 'select 1', 'sslmode=require'),
          ].map((text) => text.replaceAll(`port ${connection.port}`, 'port …')),
        { hits: 0 },
      ));

    test('EXPLAIN (PCACHE), as the README shows it', async () => {
      const statement = `select count(*) from place p, visit v
 where p.region_id = v.region_id and p.id = v.place_id and p.name = 'Rome' and v.rating > 30000`;
      await database.expectSame((connection) => output(connection, '-c', statement), { hits: 1 });
      const explain = (options: string, ...args: string[]): Promise<string> =>
        output(database.through, ...args, '-c', `explain (${options}) ${statement}`);
      // What it takes, which form is being tried and what was learned are another matter each time.
      const steady = (text: string): string[] =>
        text
          .split('\n')
          .map((line) => line.trim().replace(/of \d+ keys/, 'of all keys'))
          .filter((line) => line !== '' && !/^(Method|Why|Fragment|AND|-+$|where|\(\d+ rows\))/.test(line));
      expect(steady(readme)).toEqual(expect.arrayContaining(steady(await explain('pcache'))));

      const lines = (await explain('pcache, analyze, timing off, summary off', '-At')).split('\n');
      expect(lines.slice(0, 2)).toEqual(['pcache: restricted', expect.stringMatching(/^ {2}Method: /)]);
      expect(lines).toContain('Plan of the restricted form:');
      expect(lines.filter((line) => /^ {2}Aggregate /.test(line))).toHaveLength(2);
      const json = await explain('pcache, analyze, format json', '-At');
      expect(JSON.parse(json)).toMatchObject([{ pcache: { Blocks: [{ Keys: [{ 'Keys Kept': 8 }] }] } }]);
      expect(await explain('pcache, nonsense', '-At')).toContain('unrecognized EXPLAIN option "nonsense"');
    });

    test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
  }),
);
