import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ControlQueryError } from '../errors/control-query-error';
import { NewerSchemaError } from '../errors/newer-schema-error';
import { StartError } from '../errors/start-error';
import type { ControlClient } from './control-client';
import type { ControlPool } from './control-pool';
import { loadSqlFiles, type SqlFile, sqlFileIn, withNames } from './sql-files';

/** `sql/migrations`, seen from src/postgres and from dist alike. */
export const migrationsSqlDirectory = join(__dirname, '..', '..', 'sql', 'migrations');

/** Tables of ours in a schema, and the numbered files that make them. Several sets can share a schema. */
export interface MigrationSet {
  /** Of the files; `-- breaking: yes` in one keeps programs that do not know it from using the schema. */
  readonly directory: string;
  readonly schema: string;
  /** The table of what was applied, in that schema. */
  readonly table: string;
  /** What stands for the names in the files, besides {schema}; see withNames. */
  readonly names: Readonly<Record<string, string>>;
}

export interface Migration {
  readonly number: number;
  readonly file: SqlFile;
  /** Whether a program that does not know it must not use the schema. */
  readonly isBreaking: boolean;
}

/** A row of the table of what was applied. */
export type AppliedRow = { readonly number: number; readonly name: string; readonly is_breaking: boolean };

/** SQLSTATEs of a schema, or a table in it, that is not there. */
const isMissing = /^(3F000|42P01)$/;

/** All that this program knows, in order. */
function knownMigrations({ directory, names, schema }: MigrationSet): readonly Migration[] {
  return [...loadSqlFiles(directory).values()]
    .map((file) => ({
      number: Number.parseInt(file.name, 10),
      file: withNames(file, { ...names, schema }),
      isBreaking: /^-- breaking: yes$/m.test(file.text),
    }))
    .sort((a, b) => a.number - b.number);
}

/** The names of the migrations that are still to be applied. Rejects with NewerSchemaError. */
export async function pendingMigrations(pool: ControlPool, set: MigrationSet): Promise<readonly string[]> {
  return pendingOf(await appliedTo(pool, set), set).map(({ file }) => file.name);
}

/** Rejects with StartError or NewerSchemaError unless this program can work with the schema as it is. */
export async function checkMigrations(pool: ControlPool, set: MigrationSet): Promise<void> {
  const [pending] = await pendingMigrations(pool, set);
  if (pending === undefined) return;
  const message = `the schema ${JSON.stringify(set.schema)} is not set up for this version (${pending} is missing)`;
  throw new StartError(`${pool.target}: ${message}; run: pcache manage setup`);
}

/**
 * Brings the schema up to this program's version and resolves to the names of what was applied. Each migration is a transaction of its
 * own that takes its turn by a lock, so two programs that start at once do not get in each other's way, and a failure leaves
 * the schema as the migration before left it. Rejects with NewerSchemaError before anything is changed.
 */
export async function migrate(pool: ControlPool, set: MigrationSet): Promise<readonly string[]> {
  const applied: string[] = [];
  await pool.withClient(async (client) => {
    await inTurn(client, set, () => client.runScript(own('bookkeeping', set)));
    for (const migration of knownMigrations(set)) {
      await inTurn(client, set, async () => {
        const before = await appliedTo(client, set);
        pendingOf(before, set);
        if (before.some(({ number }) => number === migration.number)) return;
        await apply(client, set, migration);
        applied.push(migration.file.name);
      });
    }
  });
  return applied;
}

async function apply(
  client: ControlClient,
  set: MigrationSet,
  { number, file, isBreaking }: Migration,
): Promise<void> {
  await client.query(own('note-migration', set), [number, file.name, isBreaking]);
  await client.query(own('use-schema', set), [set.schema]);
  await client.runScript(file);
}

async function inTurn(client: ControlClient, set: MigrationSet, work: () => Promise<void>): Promise<void> {
  await client.execute('migration', 'begin');
  try {
    await client.query(own('lock-migrations', set), [lockKey(set)]);
    await work();
    await client.execute('migration', 'commit');
  } catch (error) {
    // If the connection is gone, so is the transaction, and the first error is the one to tell.
    await client.execute('migration', 'rollback').catch(() => undefined);
    throw error;
  }
}

function own(name: string, { schema, table }: MigrationSet): SqlFile {
  return withNames(sqlFileIn(migrationsSqlDirectory, name), { schema, migrations: table });
}

function lockKey({ schema, table }: MigrationSet): string {
  const name = JSON.stringify(['pcache', schema, table]);
  return createHash('sha256').update(name).digest().readBigInt64BE().toString();
}

async function appliedTo(client: ControlClient, set: MigrationSet): Promise<readonly AppliedRow[]> {
  try {
    return await client.query<AppliedRow>(own('read-migrations', set));
  } catch (error) {
    if (error instanceof ControlQueryError && isMissing.test(error.sqlState)) return [];
    throw error;
  }
}

/** Of what is known, what is not among the applied ones, in order. Throws NewerSchemaError for a breaking one that is not known. */
export function pendingOf(applied: readonly AppliedRow[], set: MigrationSet): readonly Migration[] {
  const known = knownMigrations(set);
  const unknown = applied.find(
    (row) => row.is_breaking && !known.some(({ number }) => number === row.number),
  );
  if (unknown !== undefined) {
    const name = JSON.stringify(set.schema);
    throw new NewerSchemaError(
      `the schema ${name} is of a later version (${unknown.name}); use a newer pcache`,
    );
  }
  return known.filter(({ number }) => !applied.some((row) => row.number === number));
}
