import { Client } from 'pg';
import { freshKeys, type Freshness } from '../../src/freshness/fresh-keys';
import { type TrackedTable, Tracking } from '../../src/freshness/tracking';
import { trackingQuery } from '../../src/freshness/tracking-schema';
import { openPool, type ControlPool } from '../../src/postgres/control-pool';
import type { ElementType } from '../../src/query/rewrite/restriction';
import type { ConnectionOptions, PostgresServer } from './postgres-server';

export const trackingSchemaName = 'pcache';

const logs = ['integer', 'float', 'text', 'date', 'timestamp', 'timestamptz'] as const;

/** What an entry would carry besides its keys. */
export type Stamp = Pick<Freshness, 'seen' | 'known' | 'epoch' | 'server' | 'sources'> & {
  readonly walPosition: string | null;
  /** Of the catalog. */
  readonly version: string;
};

/** A database with change tracking, and a client of its superuser. */
export class TrackedDatabase implements AsyncDisposable {
  private constructor(
    readonly connection: ConnectionOptions,
    readonly client: Client,
    readonly pool: ControlPool,
    readonly tracking: Tracking,
  ) {}

  static async open(server: PostgresServer, setUp: string): Promise<TrackedDatabase> {
    const connection = server.connectionOptions(await server.createDatabase());
    const client = new Client(connection);
    await client.connect();
    await client.query(setUp);
    const pool = openPool(connection);
    const options = { pool, schema: trackingSchemaName, lockTimeoutMs: 500, attempts: 10 };
    return new TrackedDatabase(connection, client, pool, new Tracking(options));
  }

  /** Tracks tables, `schema.table: column`; a failure is the test's. */
  async track(tables: Readonly<Record<string, string>>): Promise<void> {
    const list = Object.entries(tables).map(([name, keyColumn]): TrackedTable => {
      const [schema = '', table = ''] = name.split('.');
      return { schema, table, keyColumn };
    });
    const refused = (await this.tracking.install(list)).filter(({ reason }) => reason !== undefined);
    if (refused.length > 0) throw new Error(JSON.stringify(refused));
  }

  /** One more client, of another role if it is given. The caller ends it. */
  async connect(role?: string): Promise<Client> {
    const client = new Client(this.connection);
    await client.connect();
    if (role !== undefined) await client.query(`set role ${client.escapeIdentifier(role)}`);
    return client;
  }

  /** What an entry over these tables would be stamped with now, by a transaction of its own or that of a client. */
  async stamp(
    tables: Readonly<Record<string, string>>,
    client: Pick<Client, 'query'> = this.client,
  ): Promise<Stamp> {
    const names = Object.keys(tables).map((name) => name.split('.'));
    const { text } = trackingQuery('stamp-entry', trackingSchemaName);
    const parameters = [
      names.map(([schema]) => schema),
      names.map(([, table]) => table),
      Object.values(tables),
    ];
    const { rows } = await client.query(text, parameters);
    const [row] = rows as [Record<string, never>];
    const version = await client.query<{ version: string }>(
      trackingQuery('catalog-version', trackingSchemaName).text,
    );
    return {
      seen: row['snapshot'] ?? '',
      known: row['snapshot'] ?? '',
      epoch: row['epoch'] ?? '',
      server: row['server'] ?? '',
      sources: row['sources'] ?? [],
      walPosition: row['wal_position'] ?? null,
      version: version.rows[0]?.version ?? '',
    };
  }

  /** What was logged for a table since a stamp, by transactions that are over: keys as text, and `whole` if everything is uncertain. */
  async changesSince(
    { seen, sources }: Stamp,
    client: Pick<Client, 'query'> = this.client,
  ): Promise<string[]> {
    const text = [
      ...logs.map((log) => `select coalesce(key::text, 'null') from pcache.change_${log} where ${unseen}`),
      `select 'whole' from pcache.change_whole where ${unseen}`,
    ].join(' union ');
    const { rows } = await client.query({ text, values: [sources, seen], rowMode: 'array' });
    return rows.map(([key]) => String(key)).toSorted();
  }

  /** Runs statements, and resolves to what they logged for one table. */
  async changesOf(
    table: Readonly<Record<string, string>>,
    act: string | (() => Promise<unknown>),
  ): Promise<string[]> {
    const stamp = await this.stamp(table);
    await (typeof act === 'string' ? this.client.query(act) : act());
    return this.changesSince(stamp);
  }

  /** The array a client's statement would compare a column with. */
  freshKeys(
    keys: string,
    elementType: ElementType,
    stamp: Stamp,
    all: { readonly table: string; readonly column: string },
    reads: readonly number[] = [],
  ): string {
    const catalog = { snapshot: stamp.seen, version: stamp.version };
    const freshness = { schema: trackingSchemaName, reads, catalog, ...stamp };
    return `ARRAY(${freshKeys(`SELECT pg_catalog.unnest(${keys})`, elementType, freshness, all)})`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
    await this.pool[Symbol.asyncDispose]();
  }
}

const unseen = 'source = any ($1) and not pg_visible_in_snapshot(xid, $2::pg_snapshot)';
