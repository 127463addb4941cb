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

/** Where the token of the operator's port is. */
export const adminPath: OptionPath = ['admin'];

/** Reads every password from where the configuration, checked or not, says it is. */
export function readPasswords(
  data: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): Passwords {
  const byPlace = new Map<string, Secret>();
  const problems: OptionProblem[] = [];
  const databases = entriesOf(valueAt(data, ['databases'])).map(([name]) => name);
  const places: readonly (readonly [OptionPath, SecretKind])[] = [
    ...databases.flatMap((name) => [controlPath(name), sourcePath(name)]),
    cachePostgresqlPath,
    cacheRedisPath,
    queuePostgresqlPath,
  ].map((path) => [path, 'password'] as const);
  for (const [path, kind] of [...places, [adminPath, 'token'] as const]) {
    const read = readSecret(kind, valueAt(data, path), environment, workingDirectory);
    const isWeak = kind === 'token' && read instanceof Secret && !isStrong(read);
    if (isWeak)
      problems.push({
        path,
        message: 'the token must have 16 characters or more, all of them visible ASCII',
      });
    else if (read instanceof Secret) byPlace.set(formatPath(path), read);
    else if (read !== undefined) problems.push({ path: [...path, ...read.path], message: read.message });
  }
  return { byPlace, problems };
}

/** What a secret is for, as the names of its options begin. */
type SecretKind = 'password' | 'token';

/** Who can guess may try as often as the network lets them. Others than these do not travel in headers. */
function isStrong(token: Secret): boolean {
  return /^[\x21-\x7e]{16,}$/.test(token.reveal());
}

/** undefined: none is wanted. A problem's path starts at the place itself. */
function readSecret(
  kind: SecretKind,
  place: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): Secret | OptionProblem | undefined {
  const [ofVariable, ofFile] = [`${kind}_env`, `${kind}_file`];
  const variable = valueAt(place, [ofVariable]);
  const file = valueAt(place, [ofFile]);
  if (variable !== undefined && file !== undefined)
    return { path: [], message: `has both ${ofVariable} and ${ofFile}; keep one of them` };
  if (typeof variable === 'string' && variable !== '') {
    const value = environment[variable];
    if (value !== undefined && value !== '') return new Secret(value);
    const state = value === undefined ? 'is not set' : 'is empty';
    return {
      path: [ofVariable],
      message: `the environment variable ${variable} ${state}; it must hold the ${kind}`,
    };
  }
  if (typeof file !== 'string' || file === '') return undefined;
  try {
    return new Secret(readFileSync(resolve(workingDirectory, file), 'utf8').replace(/\r?\n$/, ''));
  } catch (error) {
    return { path: [ofFile], message: `cannot be read: ${messageOf(error)}` };
  }
}
