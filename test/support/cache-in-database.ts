import { Client } from 'pg';
import { cacheGrants, cacheMigrations } from '../../src/cache/backends/postgresql/cache-schema';
import { openPool } from '../../src/postgres/control-pool';
import { migrate } from '../../src/postgres/migrations';
import type { ConnectionOptions } from './postgres-server';

const schema = { schema: 'pcache', tablePrefix: 'cache_' };

/** The cache's tables in a ProxiedDatabase, as `pcache manage setup` and `pcache manage grants` make them. */
export async function setUpCache(connection: ConnectionOptions): Promise<void> {
  await using pool = openPool(connection);
  await migrate(pool, cacheMigrations(schema));
  await sql(connection, cacheGrants(schema, { control: 'pcache', population: 'pcache' }));
}

/** Runs a text on a connection of its own; resolves to the rows of its only statement. */
export async function sql(connection: ConnectionOptions, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client(connection);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
