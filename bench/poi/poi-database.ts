import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import {
  hasPostgresBinaries,
  startPostgres,
  type ConnectionOptions,
  type PostgresServer,
} from '../../test/support/postgres-server';

const database = 'poi';

/** The server with the points of interest, PostgreSQL 15 with PostGIS of Debian. */
export interface PoiDatabase extends AsyncDisposable {
  readonly server: PostgresServer;
  readonly connection: ConnectionOptions;
}

export async function createPoiDatabase(points: number): Promise<PoiDatabase> {
  if (!hasPostgresBinaries('debian15'))
    throw new Error('this needs PostgreSQL 15 and PostGIS of Debian: postgresql-15-postgis-3');
  const server = await startPostgres({
    binaries: 'debian15',
    // As one sets up a server for such data; the rest is PostgreSQL's own.
    settings: {
      shared_buffers: '1GB',
      work_mem: '64MB',
      maintenance_work_mem: '256MB',
      random_page_cost: 1.1,
      track_activity_query_size: '1MB',
    },
  });
  try {
    await server.createDatabase(database);
    const connection = server.connectionOptions(database);
    await fill(connection, points);
    return { server, connection, [Symbol.asyncDispose]: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function fill(connection: ConnectionOptions, points: number): Promise<void> {
  const client = new Client(connection);
  await client.connect();
  try {
    await client.query('create extension postgis');
    await client.query(`set poi.points = ${points}`);
    for (const statement of statementsOf(readFileSync(join(__dirname, 'poi.sql'), 'utf8')))
      await client.query(statement);
  } finally {
    await client.end();
  }
}

/** VACUUM is only run by itself. No semicolon of the file stands elsewhere than at the end of a line. */
function statementsOf(text: string): readonly string[] {
  return text.split(/;\n/).filter((statement) => statement.trim() !== '');
}
