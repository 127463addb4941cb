import { createHash } from 'node:crypto';
import { ControlQueryError } from '../../../errors/control-query-error';
import { NewerSchemaError } from '../../../errors/newer-schema-error';
import { StartError } from '../../../errors/start-error';
import type { ControlClient } from '../../../postgres/control-client';
import type { ControlPool } from '../../../postgres/control-pool';
import { loadSqlFiles, type SqlFile } from '../../../postgres/sql-files';
import {
  cacheBookkeeping,
  cacheMigrationsDirectory,
  cacheQuery,
  type CacheSchema,
  forCache,
} from './cache-schema';

interface Migration {
  readonly number: number;
  readonly file: SqlFile;
  /** Whether a program that does not know it must not use the schema. */
  readonly isBreaking: boolean;
}

type AppliedRow = { readonly number: number; readonly name: string; readonly is_breaking: boolean };

/** SQLSTATEs of a schema, or a table in it, that is not there. */
const isMissing = /^(3F000|42P01)$/;

/** All that this program knows, in order. */
function knownMigrations(): readonly Migration[] {
  return [...loadSqlFiles(cacheMigrationsDirectory).values()]
    .map((file) => ({
      number: Number.parseInt(file.name, 10),
      file,
      isBreaking: /^-- breaking: yes$/m.test(file.text),
    }))
    .sort((a, b) => a.number - b.number);
}

/** The names of the migrations that are still to be applied. Rejects with NewerSchemaError. */
export async function pendingMigrations(pool: ControlPool, schema: CacheSchema): Promise<readonly string[]> {
  return pendingOf(await appliedTo(pool, schema), schema).map(({ file }) => file.name);
}

/** Rejects with StartError or NewerSchemaError unless this program can work with the schema as it is. */
export async function checkMigrations(pool: ControlPool, schema: CacheSchema): Promise<void> {
  const [pending] = await pendingMigrations(pool, schema);
  if (pending === undefined) return;
  const message = `the schema ${JSON.stringify(schema.schema)} is not set up for this version (${pending} is missing)`;
  throw new StartError(`${pool.target}: ${message}; run: pcache manage setup`);
}

/**
 * Brings the schema up to this program's version and resolves to the names of what was applied. Each migration is a transaction of its
 * own that takes its turn by a lock, so two programs that start at once do not get in each other's way, and a failure leaves
 * the schema as the migration before left it. Rejects with NewerSchemaError before anything is changed.
 */
export async function migrate(pool: ControlPool, schema: CacheSchema): Promise<readonly string[]> {
  const applied: string[] = [];
  await pool.withClient(async (client) => {
    await inTurn(client, schema, () => client.runScript(cacheBookkeeping(schema)));
    for (const migration of knownMigrations()) {
      await inTurn(client, schema, async () => {
        const before = await appliedTo(client, schema);
        pendingOf(before, schema);
        if (before.some(({ number }) => number === migration.number)) return;
        await apply(client, schema, migration);
        applied.push(migration.file.name);
      });
    }
  });
  return applied;
}

async function apply(
  client: ControlClient,
  schema: CacheSchema,
  { number, file, isBreaking }: Migration,
): Promise<void> {
  await client.query(forCache(cacheQuery('note-migration'), schema), [number, file.name, isBreaking]);
  await client.query(cacheQuery('use-schema'), [schema.schema]);
  await client.runScript(forCache(file, schema));
}

async function inTurn(client: ControlClient, schema: CacheSchema, work: () => Promise<void>): Promise<void> {
  await client.execute('migration', 'begin');
  try {
    await client.query(cacheQuery('lock-migrations'), [lockKey(schema)]);
    await work();
    await client.execute('migration', 'commit');
  } catch (error) {
    // If the connection is gone, so is the transaction, and the first error is the one to tell.
    await client.execute('migration', 'rollback').catch(() => undefined);
    throw error;
  }
}

function lockKey({ schema, tablePrefix }: CacheSchema): string {
  const name = JSON.stringify(['pcache', schema, tablePrefix]);
  return createHash('sha256').update(name).digest().readBigInt64BE().toString();
}

async function appliedTo(client: ControlClient, schema: CacheSchema): Promise<readonly AppliedRow[]> {
  try {
    return await client.query<AppliedRow>(forCache(cacheQuery('read-migrations'), schema));
  } catch (error) {
    if (error instanceof ControlQueryError && isMissing.test(error.sqlState)) return [];
    throw error;
  }
}

function pendingOf(applied: readonly AppliedRow[], { schema }: CacheSchema): readonly Migration[] {
  const known = knownMigrations();
  const unknown = applied.find(
    (row) => row.is_breaking && !known.some(({ number }) => number === row.number),
  );
  if (unknown !== undefined) {
    const name = JSON.stringify(schema);
    throw new NewerSchemaError(
      `the schema ${name} is of a later version (${unknown.name}); use a newer pcache`,
    );
  }
  return known.filter(({ number }) => !applied.some((row) => row.number === number));
}
