import {
  appendFileSync,
  chownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { stringify } from 'yaml';
import { reads, romes } from '../support/changing-data';
import { multiset } from '../support/engine-harness';
import { freePort } from '../support/free-port';
import { PcacheProcess } from '../support/pcache-process';
import { ProxiedDatabase } from '../support/proxied-database';
import { hasSmallDisks, smallDisk } from '../support/small-disk';
import type { TemporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';

const pageBytes = 4_096;

/** Writes until nothing more fits. */
function fill(path: string): void {
  const isFull = (bytes: number): boolean => {
    try {
      appendFileSync(path, Buffer.alloc(bytes));
      return false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      return true;
    }
  };
  for (const bytes of [65_536, 4_096, 1]) while (!isFull(bytes));
}

const title = hasSmallDisks ? 'a full disk' : 'a full disk (skipped: file systems cannot be mounted here)';
(hasSmallDisks ? describe : describe.skip)(title, () => {
  let disk: TemporaryDirectory;
  let database: ProxiedDatabase;
  const ballast = (): string => join(disk.path, 'ballast');

  beforeAll(async () => {
    const made = await smallDisk(16 * 1024 * 1024);
    if (made === undefined) throw new Error('no disk');
    disk = made;
    database = await ProxiedDatabase.start({
      cache: { backend: 'rocksdb_set', path: join(disk.path, 'cache') },
      prepare: async (connection) => {
        const place = join(disk.path, 'tablespace');
        mkdirSync(place);
        const { uid, gid } = statSync(disk.path);
        chownSync(place, uid, gid);
        const client = new Client(connection);
        await client.connect();
        await client.query(`create tablespace small location '${place}'`);
        await client.end();
      },
    });
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await disk[Symbol.asyncDispose]();
  });
  afterEach(() => rmSync(ballast(), { force: true }));

  const connect = async (port = database.port): Promise<Client> => {
    const client = new Client({ ...database.direct, port });
    await client.connect();
    return client;
  };
  const restricts = (client: Client, text: string): Promise<unknown> =>
    until(
      `${text} is restricted`,
      async () => {
        const before = await database.hits();
        await client.query(text);
        return (await database.hits()) > before;
      },
      { deadlineMs: 60_000 },
    );

  test('the cache and what waits to be learned: told of once, no statement is harmed; room again, and it is learned', async () => {
    const client = await connect();
    const direct = await connect(database.server.port);
    const answer = async (session: Client, text: string): Promise<readonly string[]> =>
      multiset(await session.query<unknown[]>({ text, rowMode: 'array' }));
    const [first = '', ...others] = reads;
    await restricts(client, first);
    fill(ballast());
    const texts = [
      ...others,
      ...Array.from({ length: 30 }, (_, i) => `select id from visit where rating = ${i}`),
    ];
    for (const text of [...texts, first, ...texts])
      expect(await answer(client, text)).toEqual(await answer(direct, text));
    const warnings = (): number =>
      database.logged('the queue cannot be written down; it may be lost with the process').length;
    await until('it is told', () => warnings() > 0);
    // What is known is used all the while.
    await restricts(client, first);
    expect(warnings()).toBeLessThan(5);
    rmSync(ballast());
    for (const text of others) await restricts(client, text);
    for (const text of texts) expect(await answer(client, text)).toEqual(await answer(direct, text));
    await client.end();
    await direct.end();
  }, 120_000);

  test('what the server writes meanwhile: its error is the client’s, and the session goes on', async () => {
    const client = await connect();
    await client.query(`set temp_tablespaces = small; set work_mem = '64kB'`);
    const sorted = 'select count(*) from (select id, sign from place order by sign, id offset 0) s';
    const { rows } = await client.query(sorted);
    fill(ballast());
    await expect(client.query(sorted)).rejects.toMatchObject({ code: '53100' });
    await client.query('begin');
    await expect(client.query(sorted)).rejects.toMatchObject({ code: '53100' });
    await client.query('rollback');
    expect((await client.query(reads[0] ?? '')).rows).toHaveLength(romes);
    rmSync(ballast());
    expect((await client.query(sorted)).rows).toEqual(rows);
    await client.end();
  });

  test('the log: entries are lost and counted, the proxy goes on', async () => {
    const log = join(disk.path, 'log');
    const port = await freePort();
    const file = join(disk.path, 'pcache.yaml');
    const sections = { listen: { port }, admin: { port: 0 }, upstream: { port: database.server.port } };
    writeFileSync(file, stringify({ ...sections, log: { level: 'debug' } }));
    await using program = new PcacheProcess(['proxy', '--config', file], { prelude: `exec 2>>'${log}'` });
    await until('it accepts connections', () => /accepting connections/.test(contentOf(log)), {
      deadlineMs: 60_000,
    });
    // Its last page is full as well.
    appendFileSync(log, '\n'.repeat(pageBytes - (statSync(log).size % pageBytes)));
    fill(ballast());
    for (let i = 0; i < 3; i++) {
      const client = await connect(port);
      expect((await client.query(reads[0] ?? '')).rows).toHaveLength(romes);
      await client.end();
    }
    const { size } = statSync(log);
    program.send('SIGHUP');
    const client = await connect(port);
    expect(statSync(log).size).toBe(size);
    await client.end();
    rmSync(ballast());
    truncateSync(log);
    program.send('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
    const entries = contentOf(log)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const [lost] = entries;
    expect(lost).toMatchObject({ level: 'warn', msg: 'entries of the log could not be written' });
    expect(Number(lost?.['lost'])).toBeGreaterThan(0);
    expect(entries.at(-1)).toMatchObject({ msg: 'ended' });
  });
});

function contentOf(file: string): string {
  return statSync(file, { throwIfNoEntry: false }) === undefined ? '' : readFileSync(file, 'utf8');
}
