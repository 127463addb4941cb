import { Client } from 'pg';
import {
  openPostgresqlArray,
  openPostgresqlBit,
  openPostgresqlRoaringbit,
} from '../../src/cache/backends/postgresql';
import { cacheMigrations, type CacheSchema } from '../../src/cache/backends/postgresql/cache-schema';
import type { CacheBackend } from '../../src/cache/cache-backend';
import type { FragmentOutcome } from '../../src/population/fragment-source';
import { Observer } from '../../src/population/observer';
import { InProcessQueue } from '../../src/population/queue/in-process-queue';
import { fragments } from '../../src/population/queue/work-kind';
import { PostgresqlSource, type PostgresqlSourceOptions } from '../../src/population/sources/postgresql';
import { type ControlPool, openPool } from '../../src/postgres/control-pool';
import { migrate } from '../../src/postgres/migrations';
import type { Fragment } from '../../src/query/fragment/fragment';
import type { PartitionKeyType } from '../../src/query/partition-key';
import type { ConnectionOptions, PostgresServer } from './postgres-server';
import { RecordedPopulation } from './recorded-population';
import { until } from './until';

/** Names that have to be quoted, and that end one another. */
export const inPlaceSchema: CacheSchema = { schema: 'the "cache"', tablePrefix: "My ' " };
export const entryTable = `"the ""cache"""."My ' entry"`;

export type InPlaceBackend = 'postgresql_array' | 'postgresql_bit' | 'postgresql_roaringbit';
export const bitsOfBackend = 100_000;

/** A database with data and a cache, and both ways to fill it. */
export class InPlaceDatabase implements AsyncDisposable {
  readonly refusals: string[] = [];
  readonly warnings: string[] = [];
  readonly #opened: AsyncDisposable[] = [];

  private constructor(
    readonly connection: ConnectionOptions,
    readonly admin: Client,
    readonly pool: ControlPool,
  ) {}

  static async open(server: PostgresServer, setUp: string): Promise<InPlaceDatabase> {
    const connection = server.connectionOptions(await server.createDatabase());
    const admin = new Client(connection);
    admin.on('error', () => undefined);
    await admin.connect();
    const pool = openPool({ ...connection, maxConnections: 6 });
    await migrate(pool, cacheMigrations(inPlaceSchema));
    await admin.query(setUp);
    return new InPlaceDatabase(connection, admin, pool);
  }

  /** Closed with the database. */
  async openBackend(
    name: InPlaceBackend,
    datatype: PartitionKeyType,
    connection: ConnectionOptions = this.connection,
  ): Promise<CacheBackend> {
    const options = {
      pool: openPool(connection),
      schema: inPlaceSchema,
      warn: (message: string) => void this.warnings.push(message),
    };
    const backend =
      name === 'postgresql_bit'
        ? await openPostgresqlBit({ ...options, bits: bitsOfBackend })
        : await (name === 'postgresql_array' ? openPostgresqlArray : openPostgresqlRoaringbit)(options);
    this.#opened.push(backend);
    await backend.registerPartitionKey('region', datatype);
    return backend;
  }

  /** What runs fragments; with a backend, its keys are stored in place. */
  source(
    backend: CacheBackend | undefined,
    options: Partial<PostgresqlSourceOptions> = {},
  ): PostgresqlSource {
    return new PostgresqlSource({
      pool: this.pool,
      timeoutMs: 20_000,
      maxKeys: 1_000,
      maxTextBytes: 1_000_000,
      ...(backend === undefined
        ? {}
        : {
            inPlace: {
              store: () => backend.inPlace,
              refused: (reason: string) => void this.refusals.push(reason),
            },
          }),
      ...options,
    });
  }

  /** Runs a fragment as the proxy does, to its entry; resolves to how it was reported. */
  async populate(fragment: Fragment, source: PostgresqlSource, backend: CacheBackend) {
    await using queue = new InProcessQueue({ kind: fragments });
    const events = new RecordedPopulation();
    await using observer = new Observer({ queue, source, backend, events, concurrency: 1 });
    observer.start();
    await queue.push([{ work: fragment, priority: 1 }]);
    const [run] = await until('the fragment was run', () => events.runs.length > 0 && events.runs);
    await until('it has left the queue', async () => (await queue.lengths()).running === 0);
    return run;
  }

  /** The row of the one entry there is, each column as text, but for times and snapshot. */
  async storedRow(): Promise<Record<string, string> | undefined> {
    const { rows } = await this.admin.query<{ entry: Record<string, string> }>(
      `select (select jsonb_object_agg(c.key, c.value order by c.key)
                 from jsonb_each_text(to_jsonb(e) - '{snapshot,created_at,last_used_at,compute_ms}'::text[]) as c)
              as entry,
              octet_length(coalesce(array_send(e.integers), array_send(e.floats), array_send(e.texts),
                array_send(e.timestamps), varbit_send(e.bits), e.roaring)) as octets
         from ${entryTable} as e`,
    );
    return rows[0]?.entry;
  }

  /** The keys of the one entry as they are stored, byte by byte. */
  async storedBytes(): Promise<string | undefined> {
    const { rows } = await this.admin.query<{ bytes: string }>(
      `select encode(coalesce(array_send(e.integers), array_send(e.floats), array_send(e.texts),
                array_send(e.timestamps), varbit_send(e.bits), e.roaring), 'hex') as bytes
         from ${entryTable} as e`,
    );
    return rows[0]?.bytes;
  }

  async forget(): Promise<void> {
    await this.admin.query(`delete from ${entryTable}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#opened.splice(0)) await each[Symbol.asyncDispose]();
    await this.admin.end();
    await this.pool[Symbol.asyncDispose]();
  }
}

export function isStored(outcome: FragmentOutcome): boolean {
  return outcome.status === 'stored';
}
