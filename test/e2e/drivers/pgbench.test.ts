import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { findPostgresProgram, type ConnectionOptions } from '../../support/postgres-server';
import { describeVersions, describeWith } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';
import { temporaryDirectory } from '../../support/temporary-directory';

const run = promisify(execFile);

/** What is found is written down, so that it can be compared. */
const findAndNote = `
\\set i random(1, 1000000)
select count(*) as count, sum(id) as sum from place where name = 'Rome' \\gset
select count(*) as pairs from place p join visit v using (region_id) where v.place_id = p.id and p.name = 'Rome' \\gset
insert into note (text) values (:i || ' ' || :count || ' ' || :sum || ' ' || :pairs) on conflict do nothing;
`;

/** The same pipelined: the answers stay in the pipeline, the sum of the ids is checked by an error. */
const pipelined = `
\\startpipeline
select id from place where name = 'Rome' order by id;
select 1;
select id from place where name = 'Rome' order by id;
insert into note (text) select string_agg(id::text, ' ' order by id) from place where name = 'Rome' on conflict do nothing;
select p.id from place p join visit v using (region_id) where v.place_id = p.id and p.name = 'Rome';
\\endpipeline
`;

describeWith('pgbench', findPostgresProgram('pgbench'), (pgbench) =>
  describeVersions('pgbench', (binaries) => {
    let database: ProxiedDatabase;

    beforeAll(async () => {
      database = await ProxiedDatabase.start({ binaries });
      await bench(database.through, '-i', '-q', '-s', '1');
    });

    afterAll(() => database?.[Symbol.asyncDispose]());

    const bench = async (connection: ConnectionOptions, ...args: string[]): Promise<string> => {
      const { stdout } = await run(pgbench, args, {
        env: { ...process.env, ...database.environment(connection) },
      });
      return stdout;
    };

    /** The lines that are not about time. */
    const counts = (stdout: string): readonly string[] =>
      stdout.split('\n').filter((line) => /^(number of|maximum|transaction type|query mode)/.test(line));

    const notes = async (connection: ConnectionOptions, expression: string): Promise<readonly unknown[]> => {
      const client = new Client(connection);
      await client.connect();
      const { rows } = await client.query(`select distinct ${expression} as found from note order by 1`);
      await client.query('delete from note');
      await client.end();
      return rows;
    };

    test.each(['simple', 'extended', 'prepared'])('-M %s: its own transactions', (mode) =>
      database.expectSame(
        async (connection) => [
          counts(await bench(connection, '-M', mode, '-c', '4', '-t', '25')),
          counts(await bench(connection, '-S', '-n', '-M', mode, '-c', '4', '-t', '100')),
          counts(await bench(connection, '-N', '-n', '-C', '-M', mode, '-c', '2', '-t', '10')),
        ],
        { hits: 0 },
      ),
    );

    test.each([
      ['simple', findAndNote],
      ['extended', findAndNote],
      ['prepared', findAndNote],
      ['simple, a connection for each transaction', findAndNote],
      ['prepared, a connection for each transaction', findAndNote],
      ['extended, pipelined', pipelined],
      ['prepared, pipelined', pipelined],
    ])('-M %s: statements that are restricted', async (title, script) => {
      await using directory = await temporaryDirectory('pgbench');
      const file = join(directory.path, 'script.pgbench');
      writeFileSync(file, script);
      const [mode = ''] = title.split(',');
      const more = title.includes('connection') ? ['-C'] : [];
      const found = await database.expectSame(
        async (connection) => {
          const lines = counts(
            await bench(connection, '-n', '-M', mode, '-c', '2', '-t', '10', ...more, '-f', file),
          );
          expect(lines).toContain('number of transactions actually processed: 20/20');
          return [lines, await notes(connection, `regexp_replace(text, '^\\d+', '')`)];
        },
        { hits: 20 },
      );
      expect(found[1]).toHaveLength(1);
    });

    test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
  }),
);
