import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

interface SqliteStatement {
  run(...values: unknown[]): unknown;
}
/** What tests use of the package `better-sqlite3`. */
export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** As in better-sqlite3.mjs, which compiles it. */
const modules = join(
  homedir(),
  '.cache/pcache-test',
  `better-sqlite3-11.10.0-${process.versions.modules}`,
  'node_modules',
);

/** The environment of a process that is to find the package. */
export const sqliteEnvironment = {
  ...process.env,
  NODE_PATH: [modules, process.env['NODE_PATH'] ?? ''].filter((part) => part !== '').join(delimiter),
};

/** Why there is no SQLite here: the package is optional, and compiled where it is installed. */
export const sqliteProblem: string | undefined = (() => {
  try {
    openSqlite(':memory:').close();
    return undefined;
  } catch (error) {
    return `better-sqlite3 cannot be loaded: ${String(error).split('\n')[0]}`;
  }
})();

export function openSqlite(path: string): SqliteConnection {
  const Sqlite = createRequire(join(modules, 'here.js'))('better-sqlite3') as new (
    path: string,
  ) => SqliteConnection;
  return new Sqlite(path);
}

/** The program that reads a file, as it was compiled: src has only its source. */
export const sqliteProgram = join(__dirname, '../../dist/population/sources/copy/sqlite-process.js');
