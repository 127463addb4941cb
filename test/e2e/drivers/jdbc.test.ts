import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgresProgram, type ConnectionOptions } from '../../support/postgres-server';
import { describeVersions, describeWith } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

const run = promisify(execFile);

/** Debian's. */
const driver = '/usr/share/java/postgresql.jar';
/** No pool of workers and no optimising compiler for a program that runs for a second. */
const quick = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

const compiler = existsSync(driver) ? findPostgresProgram('javac') : undefined;

describeWith('JDBC', compiler, (javac) => {
  let classes: TemporaryDirectory;

  beforeAll(async () => {
    classes = await temporaryDirectory('jdbc');
    await run(javac, ['-cp', driver, '-d', classes.path, join(__dirname, 'JdbcSession.java')]);
  });

  afterAll(() => classes?.[Symbol.asyncDispose]());

  describeVersions('JDBC', (binaries) => {
    let database: ProxiedDatabase;

    beforeAll(async () => {
      database = await ProxiedDatabase.start({ binaries });
    });

    afterAll(() => database?.[Symbol.asyncDispose]());

    const session = async ({
      host,
      port,
      user,
      password,
      database: name,
    }: ConnectionOptions): Promise<string[]> => {
      const url = `jdbc:postgresql://${host}:${port}/${name}`;
      const classPath = `${driver}:${classes.path}`;
      const args = [...quick, '-Dfile.encoding=UTF-8', '-cp', classPath, 'JdbcSession', url, user, password];
      const { stdout } = await run('java', args, { maxBuffer: 64 * 1024 * 1024 });
      return stdout.split('\n');
    };

    test('a session in each query mode, with all it can do', async () => {
      const lines = await database.expectSame(session, { hits: 40 });
      expect(lines).toContain('57014 ERROR: canceling statement due to user request');
      expect(lines.filter((line) => line.includes('ERROR'))).not.toHaveLength(0);
    });

    test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
  });
});
