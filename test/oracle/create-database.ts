import { Client } from 'pg';
import type { PostgresServer } from '../support/postgres-server';
import { Random } from './random';
import { quote, randomSchema, type Schema } from './schema';

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

export interface OracleDatabase {
  readonly database: string;
  readonly schema: Schema;
  /** What every session does first. */
  readonly sessionStart: string;
  /** Number of distinct keys in the database, by key column. */
  readonly keyCounts: ReadonlyMap<string, number>;
}

/** Makes the database of one seed and number. */
export async function createDatabase(
  server: PostgresServer,
  seed: number,
  schemaNumber: number,
): Promise<OracleDatabase> {
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
    return { database, schema, sessionStart, keyCounts: await countKeys(client, schema) };
  } finally {
    await client.end();
  }
}

async function countKeys(client: Client, { tracked }: Schema): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { tables } of tracked) {
    const keys = [...tables].map(
      ([table, column]) => `select ${quote(column)}::text as k from ${quote(table.slice('public.'.length))}`,
    );
    if (keys.length === 0) continue;
    const { rows } = await client.query<{ count: string }>(
      `select count(distinct k) from (${keys.join(' union all ')}) as keys`,
    );
    for (const column of tables.values()) counts.set(column, Number(rows[0]?.count));
  }
  return counts;
}
