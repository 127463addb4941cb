import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `sql/queries`, seen from src/postgres and from dist/postgres alike. */
export const sqlQueriesDirectory = join(__dirname, '..', '..', 'sql', 'queries');

declare const brand: unique symbol;
/** A statement of `sql/queries` that is known to exist. `name` is the file's name without `.sql`. */
export interface SqlFile {
  readonly name: string;
  readonly text: string;
  readonly [brand]: true;
}

let loaded: ReadonlyMap<string, SqlFile> | undefined;

/** All files of a directory, by name without `.sql`; read once per call, on purpose without waiting: it is start-up. */
export function loadSqlFiles(directory: string): ReadonlyMap<string, SqlFile> {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => ({
      name: file.slice(0, -'.sql'.length),
      text: readFileSync(join(directory, file), 'utf8'),
    }));
  return new Map(files.map((file) => [file.name, file as SqlFile]));
}

/**
 * A statement with names put in: inside the quoted identifiers of a file, {schema} and the like stand for them. The file itself is SQL as
 * it is; nothing outside of double quotes is ever replaced. Throws if a name is not given.
 */
export function withNames(file: SqlFile, names: Readonly<Record<string, string>>): SqlFile {
  const text = file.text.replaceAll(/"[^"]*"/g, (identifier) =>
    identifier.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = names[name];
      if (value === undefined) throw new Error(`${file.name}.sql: nothing is known to put for {${name}}`);
      return value.replaceAll('"', '""');
    }),
  );
  return { ...file, text };
}

const inDirectories = new Map<string, ReadonlyMap<string, SqlFile>>();

/** A file of another directory than `sql/queries`, which is read once. Throws if the installation lacks it. */
export function sqlFileIn(directory: string, name: string): SqlFile {
  const files = inDirectories.get(directory) ?? loadSqlFiles(directory);
  inDirectories.set(directory, files);
  const file = files.get(name);
  if (file === undefined)
    throw new Error(`${join(directory, name)}.sql is missing; this installation is incomplete`);
  return file;
}

/**
 * A statement of `sql/queries`. Call it where the module is loaded, not where the statement is run:
 *
 *     const readRelations = sqlFile('read-relations');
 *
 * so that a missing file ends the start of the program, not a request hours later.
 */
export function sqlFile(name: string): SqlFile {
  loaded ??= loadSqlFiles(sqlQueriesDirectory);
  const file = loaded.get(name);
  if (file === undefined) {
    throw new Error(
      `${join(sqlQueriesDirectory, `${name}.sql`)} is missing; this installation is incomplete`,
    );
  }
  return file;
}
