/**
 * A process of its own for one run on an SQLite file: SQLite works in the thread that calls it, where nothing could end it. Started by
 * sqlite-database.ts, which sends one request and kills it when it has its answer, or has waited long enough.
 */
import { createRequire } from 'node:module';
import { messageOf } from '../../../errors/message-of';
import type { SqliteAnswer, SqliteRequest } from './sqlite-messages';

/** What we use of the package `better-sqlite3`, which has no types of its own. */
interface Statement {
  safeIntegers(isOn: boolean): Statement;
  pluck(isOn: boolean): Statement;
  get(): unknown;
  all(): readonly unknown[];
}
interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): void;
}
type DatabaseConstructor = new (
  path: string,
  options: { readonly readonly: boolean; readonly fileMustExist: boolean },
) => Database;

process.once('message', (request: SqliteRequest) => {
  // Disconnected only once it is sent.
  process.send?.(answer(request), () => process.disconnect());
});

function answer({ path, checks, sql }: SqliteRequest): SqliteAnswer {
  let hasStarted = false;
  try {
    const Sqlite = createRequire(__filename)('better-sqlite3') as DatabaseConstructor;
    const database = new Sqlite(path, { readonly: true, fileMustExist: true });
    const encoding = database.prepare('PRAGMA encoding').pluck(true).get();
    if (encoding !== 'UTF-8')
      return { kind: 'unfaithful', reason: `the file's texts are in ${String(encoding)}, not UTF-8` };
    hasStarted = true;
    // What is checked is what is read.
    database.exec('BEGIN');
    for (const { column, finds } of checks)
      if (database.prepare(finds).get() !== undefined)
        return { kind: 'unfaithful', reason: `${column} holds other values than PostgreSQL can` };
    const keys = database.prepare(sql).pluck(true).safeIntegers(true).all();
    return { kind: 'keys', keys: keys as Extract<SqliteAnswer, { kind: 'keys' }>['keys'] };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return {
      kind: 'error',
      message: messageOf(error),
      isAway: !hasStarted || /^SQLITE_(BUSY|LOCKED)/.test(code),
      hasStarted,
    };
  }
}
