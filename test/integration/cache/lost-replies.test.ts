import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Client } from 'pg';
import { openPostgresqlArray } from '../../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { Directory } from '../../../src/cache/directory';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import { hashOf, sampleEntry } from '../../support/cache-entries';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';

const schema = { schema: 'pcache', tablePrefix: 'cache_' };
const [a, b] = [hashOf('a'), hashOf('b')];
const keys = createKeySet('integer', [1n, 2n]);

/** Between a store and its server: loses the connection that a statement comes over, once the statement is on its way. */
class Wire implements AsyncDisposable {
  private lost: string | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly relay: Server) {}

  static async to(host: string, port: number): Promise<Wire> {
    const relay = createServer((client) => {
      const server = connect(port, host);
      for (const socket of [client, server]) {
        wire.sockets.add(socket);
        socket.on('error', () => undefined);
      }
      let isLost = false;
      client.on('data', (bytes) => {
        isLost ||= wire.lost !== undefined && bytes.includes(wire.lost);
        server.write(bytes);
        // The server's side stays: it does what it was asked, and nobody hears of it.
        if (isLost) client.destroy();
      });
      server.on('data', (bytes) => isLost || client.write(bytes));
      client.on('close', () => isLost || server.destroy());
      server.on('close', () => client.destroy());
    });
    const wire = new Wire(relay);
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get port(): number {
    return (this.relay.address() as AddressInfo).port;
  }

  /** While `work` is under way, what says `text` is lost. */
  async losing<T>(text: string, work: () => Promise<T>): Promise<T> {
    this.lost = text;
    try {
      return await work();
    } finally {
      this.lost = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.relay.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

describe('a change whose answer is lost', () => {
  let server: PostgresServer;
  let admin: Client;
  let wire: Wire;
  let backend: CacheBackend;
  let directory: Directory;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    const options = server.connectionOptions(await server.createDatabase());
    await using pool = openPool(options);
    await migrate(pool, cacheMigrations(schema));
    admin = new Client(options);
    await admin.connect();
    wire = await Wire.to(options.host, options.port);
    const wired = openPool({ ...options, host: '127.0.0.1', port: wire.port });
    backend = await openPostgresqlArray({ pool: wired, schema, warn: () => undefined });
    await backend.registerPartitionKey('region', 'integer');
    directory = new Directory();
    backend.subscribe((change) => directory.apply(change));
    await backend.put(sampleEntry(keys));
  });
  afterEach(async () => {
    await backend[Symbol.asyncDispose]();
    await wire[Symbol.asyncDispose]();
    await admin.end();
  });

  const isStored = async (hash: string): Promise<boolean> => {
    const { rows } = await admin.query(
      `select from pcache.cache_entry where pg_catalog.encode(hash, 'hex') = $1`,
      [hash],
    );
    return rows.length > 0;
  };

  test('is known, where the store has made it: an entry that has gone', async () => {
    await wire.losing('delete-entry', () =>
      expect(backend.delete('region', a)).rejects.toBeInstanceOf(CacheUnavailableError),
    );
    await until('it has gone', async () => !(await isStored(a)));
    await until('that is known', () => directory.get('region', a) === undefined);
  });

  test('is known, where the store has made it: an entry that is new', async () => {
    await wire.losing('put-entry', () =>
      expect(backend.put(sampleEntry(keys, { text: 'b' }))).rejects.toBeInstanceOf(CacheUnavailableError),
    );
    await until('it is there', () => isStored(b));
    await until('that is known', () => directory.get('region', b) !== undefined);
  });

  test('is known, when the store makes it at last', async () => {
    await admin.query('begin; lock table pcache.cache_entry in share mode');
    await wire.losing('delete-entry', () =>
      expect(backend.delete('region', a)).rejects.toBeInstanceOf(CacheUnavailableError),
    );
    // Long after it was seen that the entry is there as before.
    expect(await backend.describe('region', a)).toBeDefined();
    await admin.query('commit');
    await until('it has gone', async () => !(await isStored(a)));
    await until('that is known', () => directory.get('region', a) === undefined);
  });
});
