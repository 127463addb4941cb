import { messageOf } from '../../errors/message-of';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { entriesOf, formatPath, valueAt, type OptionPath, type OptionProblem } from './option-path';
import { Secret } from './secret';

export interface Passwords {
  /** By the place in the configuration that says where they are, as formatPath has it; those without are not in it. */
  readonly byPlace: ReadonlyMap<string, Secret>;
  readonly problems: readonly OptionProblem[];
}

/** Where a database's control password is told of. */
export function controlPath(database: string): OptionPath {
  return ['databases', database, 'control'];
}

/** Where that of the copy is told of that its fragments are run on. */
export function sourcePath(database: string): OptionPath {
  return ['databases', database, 'source'];
}

/** Where the password of a cache in PostgreSQL is, and that of one in Redis. */
export const cachePostgresqlPath: OptionPath = ['cache', 'postgresql'];
export const cacheRedisPath: OptionPath = ['cache', 'redis'];
/** The same for a queue in PostgreSQL that is not where the cache is. */
export const queuePostgresqlPath: OptionPath = ['queue', 'postgresql'];

/** Reads every password from where the configuration, checked or not, says it is. */
export function readPasswords(
  data: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): Passwords {
  const byPlace = new Map<string, Secret>();
  const problems: OptionProblem[] = [];
  const databases = entriesOf(valueAt(data, ['databases'])).map(([name]) => name);
  for (const path of [
    ...databases.flatMap((name) => [controlPath(name), sourcePath(name)]),
    cachePostgresqlPath,
    cacheRedisPath,
    queuePostgresqlPath,
  ]) {
    const read = readPassword(valueAt(data, path), environment, workingDirectory);
    if (read instanceof Secret) byPlace.set(formatPath(path), read);
    else if (read !== undefined) problems.push({ path: [...path, ...read.path], message: read.message });
  }
  return { byPlace, problems };
}

/** undefined: none is wanted. A problem's path starts at the place itself. */
function readPassword(
  place: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): Secret | OptionProblem | undefined {
  const variable = valueAt(place, ['password_env']);
  const file = valueAt(place, ['password_file']);
  if (variable !== undefined && file !== undefined)
    return { path: [], message: 'has both password_env and password_file; keep one of them' };
  if (typeof variable === 'string' && variable !== '') {
    const value = environment[variable];
    if (value !== undefined && value !== '') return new Secret(value);
    const state = value === undefined ? 'is not set' : 'is empty';
    return {
      path: ['password_env'],
      message: `the environment variable ${variable} ${state}; it must hold the password`,
    };
  }
  if (typeof file !== 'string' || file === '') return undefined;
  try {
    return new Secret(readFileSync(resolve(workingDirectory, file), 'utf8').replace(/\r?\n$/, ''));
  } catch (error) {
    return { path: ['password_file'], message: `cannot be read: ${messageOf(error)}` };
  }
}
