import { fork, type ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';
import { waitUntil } from '../../../postgres/deadline';
import { isFaithful, sqliteDialect } from '../../../query/dialect/sqlite-dialect';
import type { ReliedOnColumn, RenderedFragment } from '../../../query/dialect/render-fragment';
import type { CopyDatabase, CopyLimits, CopyReading } from './copy-database';
import type { SqliteAnswer, SqliteRequest } from './sqlite-messages';

export interface SqliteDatabaseOptions {
  /** The file; it is only read. */
  readonly path: string;
  /** The program that reads it, where it is not beside this one. */
  readonly program?: string;
  /** Of that program; by default our own. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** Beside this file, and like it a source if this one was not compiled. */
const kind = extname(__filename);
const reader = {
  program: join(__dirname, `sqlite-process${kind}`),
  execArgv: kind === '.ts' ? process.execArgv : [],
};

/** A copy in an SQLite file. Each run is a process of its own, which can be ended at any moment. */
export class SqliteDatabase implements CopyDatabase {
  readonly dialect = sqliteDialect;
  /** Columns whose values have been looked at: the data is promised not to change. */
  readonly #checked = new Set<string>();

  constructor(private readonly options: SqliteDatabaseOptions) {}

  async read(
    { sql, columns }: RenderedFragment,
    { timeoutMs, maxKeys, signal }: CopyLimits,
  ): Promise<CopyReading> {
    const unchecked = columns.filter((column) => !this.#checked.has(nameOf(column)));
    const request: SqliteRequest = {
      path: this.options.path,
      checks: unchecked.map(checkOf),
      // One more than allowed tells that there are too many, and one may be NULL.
      sql: `${sql} LIMIT ${maxKeys + 2}`,
    };
    const child = fork(this.options.program ?? reader.program, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: this.options.program === undefined ? reader.execArgv : [],
      env: this.options.environment ?? process.env,
    });
    try {
      const answer = await waitUntil<SqliteAnswer | 'timeout' | 'aborted'>(
        ask(child, request),
        { timeoutMs, signal },
        (why) => Promise.resolve(why),
      );
      if (answer === 'timeout') return { status: 'timeout', error: `no end within ${timeoutMs} ms` };
      if (answer === 'aborted') return { status: 'aborted' };
      if (answer.kind === 'keys') for (const column of unchecked) this.#checked.add(nameOf(column));
      return readingOf(answer);
    } finally {
      await ended(child);
    }
  }
}

function ask(child: ChildProcess, request: SqliteRequest): Promise<SqliteAnswer> {
  return new Promise((resolve) => {
    const failed = (message: string): void =>
      resolve({ kind: 'error', message, isAway: true, hasStarted: true });
    child.once('message', (answer) => resolve(answer as SqliteAnswer));
    child.once('error', (error) => failed(error.message));
    child.once('exit', (code, signal) =>
      failed(`the process that reads the SQLite file ended with ${String(signal ?? code)}`),
    );
    child.send(request, (error) => {
      if (error !== null) failed(error.message);
    });
  });
}

function readingOf(answer: SqliteAnswer): CopyReading {
  switch (answer.kind) {
    case 'keys':
      return { status: 'read', keys: answer.keys };
    case 'unfaithful':
      return { status: 'failed', error: `not a copy: ${answer.reason}` };
    case 'error':
      return answer.isAway
        ? { status: 'unavailable', error: answer.message, hasStarted: answer.hasStarted }
        : { status: 'failed', error: answer.message };
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

function nameOf({ table, column, kind }: ReliedOnColumn): string {
  return JSON.stringify([table, column, kind]);
}

function checkOf({ table, column, kind }: ReliedOnColumn): SqliteRequest['checks'][number] {
  const identifier = (name: string): string => sqliteDialect.identifier(name);
  // Qualified: SQLite takes a name in double quotes that it does not know for a string.
  const text = `c.${identifier(column)}`;
  return {
    column: `${table}.${column}`,
    finds: `SELECT 1 FROM ${identifier(table)} AS c WHERE NOT ${isFaithful(text, kind)} LIMIT 1`,
  };
}
