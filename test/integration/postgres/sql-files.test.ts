import { Client } from 'pg';
import { loadSqlFiles, sqlQueriesDirectory } from '../../../src/postgres/sql-files';
import {
  hasPostgresBinaries,
  type PostgresBinaries,
  type PostgresServer,
  startPostgres,
} from '../../support/postgres-server';

const withoutComments = (text: string): string => text.replaceAll(/^--.*$/gm, '').trim();

/** PREPARE takes queries only; begin, commit and fetch are run by the tests of those who use them. */
const queries = [...loadSqlFiles(sqlQueriesDirectory).values()].filter(({ text }) =>
  /^(select|with|insert|update|delete|values)\b/i.test(withoutComments(text)),
);
const versions = (['embedded', 'debian15'] as const).filter((binaries) => hasPostgresBinaries(binaries));

describe.each(versions)('sql/queries on PostgreSQL (%s)', (binaries: PostgresBinaries) => {
  let server: PostgresServer;
  let client: Client;
  beforeAll(async () => {
    server = await startPostgres({ binaries });
    client = new Client(server.connectionOptions('postgres'));
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  test.each(queries.map(({ name, text }) => [name, text] as const))('%s can be prepared', async (_, text) => {
    await client.query('deallocate all');
    await client.query(`prepare statement as ${text}`);
  });
});
