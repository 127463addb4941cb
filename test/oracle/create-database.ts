import { Client } from 'pg';
import type { PostgresServer } from '../support/postgres-server';
import { Random } from './random';
import { randomSchema, type Schema } from './schema';

/** Milliseconds. */
const statementTimeout = 1_500;

/** Settings that change plans, or what times and numbers look like; each session of a schema has the same. */
const sessionSettings = [
  `set enable_seqscan = off`,
  `set enable_hashjoin = off`,
  `set enable_nestloop = off`,
  `set enable_seqscan = off; set enable_bitmapscan = off`,
  `set datestyle = 'German'`,
  `set plan_cache_mode = 'force_generic_plan'`,
  `set extra_float_digits = 0`,
];

/** Makes the database of one seed and number. */
export async function createDatabase(
  server: PostgresServer,
  seed: number,
  schemaNumber: number,
): Promise<{ readonly database: string; readonly schema: Schema; readonly sessionStart: string }> {
  const random = new Random(seed, schemaNumber);
  const schema = randomSchema(random);
  const sessionStart = [
    `set statement_timeout = ${statementTimeout}`,
    `set timezone = '${random.pick(['UTC', 'Europe/Berlin', 'America/New_York'])}'`,
    ...random.sample(sessionSettings, random.int(0, 3)),
  ].join(';');
  const database = await server.createDatabase();
  const client = new Client(server.connectionOptions(database));
  await client.connect();
  try {
    await client.query(schema.ddl);
  } finally {
    await client.end();
  }
  return { database, schema, sessionStart };
}
