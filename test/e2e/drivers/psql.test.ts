import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgresProgram, type ConnectionOptions } from '../../support/postgres-server';
import { describeVersions, describeWith } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';

const run = promisify(execFile);

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

    test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
  }),
);
