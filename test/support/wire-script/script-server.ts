import { Client } from 'pg';
import {
  startPostgres,
  type PostgresBinaries,
  type PostgresServer,
  type PostgresServerOptions,
} from '../postgres-server';

/** The database the wire scripts are held in. */
export const scriptDatabase = 'wire';

const schema = `
  create table place (id int primary key, city_id int not null, kind text, size int not null, note text);
  insert into place
    select i, i % 40 + 1, 'kind ' || i % 13, i * 7919 % 1000, case when i % 3 = 0 then null else 'note ' || i end
    from generate_series(1, 1000) as i;
  create function int4_of(text) returns int language sql immutable as 'select $1::int';
  create function say(text) returns void language plpgsql as 'begin raise notice ''%'', $1; end';
  create role locked login password 'open sesame';
  create role nobody_home nologin;
  create role scrambled login password 'open sesame';
  set password_encryption = 'md5';
  create role hashed login password 'open sesame';
  reset password_encryption;
  create publication nothing;
  analyze place;
`;

/** Starts a server as the wire scripts expect it, with more settings if there are any; the caller stops it. */
export async function startScriptServer(
  binaries: PostgresBinaries,
  settings: NonNullable<PostgresServerOptions['settings']> = {},
): Promise<PostgresServer> {
  const server = await startPostgres({
    binaries,
    hba: [
      'host all locked 127.0.0.1/32 password',
      'host all scrambled 127.0.0.1/32 scram-sha-256',
      'host all hashed 127.0.0.1/32 md5',
      'host refused all 127.0.0.1/32 reject',
      'host replication all 127.0.0.1/32 trust',
      'host all all 127.0.0.1/32 trust',
    ],
    settings: {
      timezone: 'UTC',
      log_timezone: 'UTC',
      max_prepared_transactions: 4,
      wal_level: 'logical',
      wal_keep_size: '256MB',
      ...settings,
    },
  });
  await server.createDatabase(scriptDatabase);
  const client = new Client(server.connectionOptions(scriptDatabase));
  await client.connect();
  try {
    await client.query(schema);
  } finally {
    await client.end();
  }
  return server;
}
