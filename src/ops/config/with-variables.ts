import { parseTableName } from './identifier';
import { entriesOf, formatPath, isMapping, type OptionPath, setAt, valueAt } from './option-path';
import {
  databaseVariables,
  type PartitionCacheVariable,
  partitionCacheVariables,
} from './partition-cache-variables';

type Environment = Readonly<Record<string, string | undefined>>;

/** What an environment stands in for, where there is no configuration file. */
export interface WithoutFile {
  /** The partition keys of the database that DB_NAME names, as a file would have them. */
  readonly partitionKeys: Readonly<Record<string, unknown>>;
}

export interface WithVariables {
  readonly data: unknown;
  /** The variable each value is from, by formatPath of its place. */
  readonly origins: ReadonlyMap<string, string>;
}

/** Values of the library that have another name here. */
const formerBackends: Readonly<Record<string, string>> = { redis: 'redis_set', rocksdb: 'rocksdb_set' };

/**
 * Puts the environment variables of PartitionCache over the data of a file. DB_* stand for a database only if there is no file: they are
 * common names, and what a file says of its databases is not to depend on who else uses them.
 *
 * @param backend what decides `cache.backend` above these variables; undefined: nothing does
 */
export function withVariables(
  data: unknown,
  environment: Environment,
  backend: string | undefined,
  withoutFile: WithoutFile | undefined,
): WithVariables {
  const target = new Target(data);
  if (withoutFile !== undefined) addDatabase(target, environment, withoutFile);
  const own = backend ?? readBackend(valueOf(environment, 'CACHE_BACKEND'));
  const written = valueAt(data, ['cache', 'backend']);
  const effective = own ?? (typeof written === 'string' ? written : 'rocksdb_set');
  for (const variable of partitionCacheVariables) {
    const found = find(environment, variable);
    if (found === undefined || variable.backends?.test(effective) === false) continue;
    for (const path of target.placesOf(variable.path))
      target.setAll(path, read(variable, found, target.data, path), found.name);
  }
  addRedis(target, environment);
  return target;
}

/** Data that values are put into, with where they are from. */
class Target implements WithVariables {
  readonly origins = new Map<string, string>();

  constructor(public data: unknown) {}

  set(path: OptionPath, value: unknown, origin: string): void {
    this.data = setAt(this.data, path, value);
    this.origins.set(formatPath(path), origin);
  }

  /** The same for a mapping, and all that is in it. */
  setAll(path: OptionPath, value: unknown, origin: string): void {
    this.set(path, value, origin);
    for (const [key, part] of entriesOf(value)) this.setAll([...path, key], part, origin);
  }

  /** The places a path with `*` means. */
  placesOf(path: OptionPath, before: OptionPath = []): readonly OptionPath[] {
    const at = path.indexOf('*');
    if (at === -1) return [[...before, ...path]];
    const parent = [...before, ...path.slice(0, at)];
    return entriesOf(valueAt(this.data, parent)).flatMap(([key]) =>
      this.placesOf(path.slice(at + 1), [...parent, key]),
    );
  }
}

/** Compose files and shells pass on unset variables as empty ones. */
function valueOf(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}

function find(
  environment: Environment,
  { name, formerName }: PartitionCacheVariable,
): { readonly name: string; readonly value: string } | undefined {
  for (const each of formerName === undefined ? [name] : [name, formerName]) {
    const value = valueOf(environment, each);
    if (value !== undefined) return { name: each, value };
  }
  return undefined;
}

function addDatabase(target: Target, environment: Environment, { partitionKeys }: WithoutFile): void {
  const [host, port, user, password, name] = databaseVariables.map((each) => valueOf(environment, each));
  if (host !== undefined) target.set(['upstream', 'host'], host, 'DB_HOST');
  if (port !== undefined) target.set(['upstream', 'port'], plain(port), 'DB_PORT');
  if (name === undefined) return;
  const path = ['databases', name];
  target.set(path, { control: {} }, 'DB_NAME');
  target.setAll([...path, 'partition_keys'], partitionKeys, 'found in the database');
  if (user !== undefined) target.set([...path, 'control', 'user'], user, 'DB_USER');
  if (password !== undefined) target.set([...path, 'control', 'password_env'], 'DB_PASSWORD', 'DB_PASSWORD');
}

function addRedis(target: Target, environment: Environment): void {
  const host = valueOf(environment, 'REDIS_HOST');
  const port = valueOf(environment, 'REDIS_PORT');
  // Kubernetes sets REDIS_PORT=tcp://10.0.0.1:6379 for whoever has a service of the name: that is no port.
  const isMeant = port !== undefined && !port.includes('://');
  if (host === undefined && !isMeant) return;
  const names = [...(host === undefined ? [] : ['REDIS_HOST']), ...(isMeant ? ['REDIS_PORT'] : [])];
  const name = host?.includes(':') === true ? `[${host}]` : (host ?? '127.0.0.1');
  target.set(['cache', 'redis', 'addresses'], isMeant ? `${name}:${port}` : name, names.join(', '));
}

function readBackend(value: string | undefined): string | undefined {
  return value === undefined ? undefined : (formerBackends[value] ?? value);
}

/** What is no such value stays text, for the schema to refuse. */
function read(
  { reads }: PartitionCacheVariable,
  { name, value }: { readonly name: string; readonly value: string },
  data: unknown,
  path: OptionPath,
): unknown {
  switch (reads) {
    case 'text':
      return value;
    case 'backend':
      return readBackend(value);
    case 'prefix':
      return value.endsWith('_') ? value : `${value}_`;
    case 'the name of the variable':
      return name;
    case 'opposite': {
      const truth = plain(value);
      return typeof truth === 'boolean' ? !truth : value;
    }
    case 'json':
      return qualified(jsonOf(value), valueAt(data, [...path.slice(0, -2), 'tables']));
    default:
      return plain(value);
  }
}

function plain(value: string): unknown {
  if (/^(true|yes|on)$/i.test(value)) return true;
  if (/^(false|no|off)$/i.test(value)) return false;
  const number = Number(value);
  return value.trim() !== '' && Number.isFinite(number) ? number : value;
}

function jsonOf(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return value;
    throw error;
  }
}

/** The library names tables without their schema; here they are called as under `tables` of the key. Those of other keys are left out. */
function qualified(value: unknown, tables: unknown): unknown {
  if (!isMapping(value)) return value;
  const known = entriesOf(tables).map(([written]) => written);
  const named = Object.entries(value).flatMap(([table, condition]) => {
    if (known.includes(table)) return [[table, condition] as const];
    const match = known.find((written) => {
      const parsed = parseTableName(written);
      return parsed.ok && parsed.name === table;
    });
    return match === undefined ? [] : [[match, condition] as const];
  });
  return Object.fromEntries(named);
}
