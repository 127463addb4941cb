import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { setUpCache, sql } from '../support/cache-in-database';
import { ProxiedDatabase } from '../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';

const tokens = ['the token of before', 'the token of today'].map((text) => text.replaceAll(' ', '-'));
const question = (rating: number): string => `select id from place where name = 'Rome' and id > ${rating}`;

/** A secret in a file is another one: an operator has rotated it, and sends SIGHUP. No process is started anew. */
describe.each([1, 2])('secrets are read again, by %i process(es) that serve', (workers) => {
  let directory: TemporaryDirectory;
  let database: ProxiedDatabase;
  let client: Client;

  const write = (name: string, secret: string): string => {
    const file = join(directory.path, name);
    writeFileSync(file, `${secret}\n`);
    return file;
  };
  const restricts = (text: string): Promise<unknown> =>
    until(
      'statements are restricted',
      async () => {
        const before = await database.hits();
        await client.query(text);
        return (await database.hits()) > before;
      },
      { deadlineMs: 30_000 },
    );
  const setMode = async (token = ''): Promise<number> => {
    const response = await fetch(`${database.adminUrl}/mode`, {
      method: 'POST',
      body: new URLSearchParams({ mode: 'configured', token }),
      redirect: 'manual',
    });
    return response.status;
  };

  beforeAll(async () => {
    directory = await temporaryDirectory('secrets');
    const region = {
      datatype: 'integer',
      consistency: 'static',
      tables: { 'public.place': 'region_id', 'public.visit': 'region_id' },
    };
    database = await ProxiedDatabase.start({
      cache: { backend: 'postgresql_array' },
      sections: {
        workers,
        admin: { port: 0, token_file: write('token', tokens[0] ?? '') },
        databases: {
          matrix: {
            control: { user: 'pcache', password_file: write('password', 'sesame') },
            partition_keys: { region },
          },
        },
      },
      prepare: setUpCache,
    });
    client = new Client(database.through);
    await client.connect();
  });
  afterAll(async () => {
    await client?.end();
    await database?.[Symbol.asyncDispose]();
    await directory?.[Symbol.asyncDispose]();
  });

  test('the password of the control role, which the cache goes by as well', async () => {
    await restricts(question(1));
    await sql(database.direct, `alter role pcache password 'open'`);
    write('password', 'open');
    await database.reload((text) => text);
    expect(
      database.logged('the password, or token, is another one from now on').map(({ place }) => place),
    ).toEqual(['databases.matrix.control', 'cache.postgresql', 'queue.postgresql']);
    await sql(
      database.direct,
      `select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'pcache'`,
    );
    await restricts(question(2));
    await until('nothing is in the way', async () => !(await database.readiness()).report.degraded);
  });

  test('the token', async () => {
    expect([await setMode(tokens[0]), await setMode(tokens[1])]).toEqual([303, 403]);
    write('token', tokens[1] ?? '');
    await database.reload((text) => text);
    expect([await setMode(tokens[0]), await setMode(tokens[1])]).toEqual([403, 303]);
  });

  test('nothing else has happened, and what is the same is not told of', async () => {
    const told = database.logged('the password, or token, is another one from now on').length;
    await database.reload((text) => text);
    expect(database.logged('the password, or token, is another one from now on')).toHaveLength(told);
    expect((await client.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
  });
});
