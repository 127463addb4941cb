import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { stringify } from 'yaml';
import { reads, romes } from '../support/changing-data';
import { PcacheProcess } from '../support/pcache-process';
import { ProxiedDatabase } from '../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';

/** What a process may have runs out. */

const openFiles = 130;
const outOfFiles = 'clients are refused: the process can open no more files, see its limit of open files';

describe('a process that has come to its limits', () => {
  let directory: TemporaryDirectory;
  let database: ProxiedDatabase;

  beforeAll(async () => {
    directory = await temporaryDirectory('limits');
    database = await ProxiedDatabase.start({
      cache: { backend: 'rocksdb_set', path: join(directory.path, 'cache') },
      settings: { max_connections: '200' },
    });
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const connect = async (port: number): Promise<Client> => {
    const client = new Client({ ...database.direct, port });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };

  test('of open files: who comes is refused with 53300, who is there goes on, and a place that gets free is had', async () => {
    const file = join(directory.path, 'relay.yaml');
    const sections = { listen: { port: 0 }, admin: { port: 0 }, upstream: { port: database.server.port } };
    writeFileSync(file, stringify(sections));
    await using program = new PcacheProcess(['proxy', '--config', file], {
      prelude: `ulimit -n ${openFiles}`,
    });
    const { listen } = await program.logged('accepting connections');
    const { port } = listen as { readonly port: number };
    const clients: Client[] = [];
    const enter = async (): Promise<boolean> => {
      try {
        clients.push(await connect(port));
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: '53300' });
        return false;
      }
    };
    while (await enter()) expect(clients.length).toBeLessThan(openFiles);
    expect(clients.length).toBeGreaterThan(10);
    for (let i = 0; i < 20; i++) expect(await enter()).toBe(false);
    for (const client of clients) expect((await client.query(reads[0] ?? '')).rows).toHaveLength(romes);
    // Told of once in a while, not for each.
    expect(program.loggedSoFar(outOfFiles)).toHaveLength(1);
    for (const client of clients.splice(0, 5)) await client.end();
    await until('there is room again', enter);
    program.send('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
  });

  test('of memory: it dies; started again, it has what it had learned', async () => {
    const client = await connect(database.port);
    const restricts = async (session: Client): Promise<boolean> => {
      const before = await database.hits();
      expect((await session.query(reads[0] ?? '')).rows).toHaveLength(romes);
      return (await database.hits()) > before;
    };
    await until('it is learned', () => restricts(client), { deadlineMs: 30_000 });
    const gone = new Promise((resolve) => client.once('end', resolve));
    // As V8 ends a process whose heap is full.
    database.signal('SIGABRT');
    await gone;
    await database.restartProgram();
    const again = await connect(database.port);
    // Nothing is run for it once more: the first look at the statement is all it takes.
    await until('it is restricted', () => restricts(again), { deadlineMs: 30_000 });
    const runs = [...(await database.metrics())].filter(([series]) =>
      series.startsWith('pcache_population_runs_total'),
    );
    expect(runs.filter(([, count]) => count > 0)).toEqual([]);
    await again.end();
  });
});
