import { Client } from 'pg';
import { type ServerTlsMode, serverTlsModes } from '../postgres/server-tls';

/** TLS to a server: `mode` as sslmode of libpq, the others names of PEM files. */
export interface TlsParameters {
  readonly mode: ServerTlsMode;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface ConnectionParameters {
  /** Host name, address, or directory of a unix socket. */
  readonly host: string;
  readonly port?: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly tls?: TlsParameters;
}

/** A pool of the package `pg`, whose parameters are taken; its connections are not. */
export interface PoolLike {
  readonly options: object;
}

/**
 * The database that queries are for: a connection string as libpq has it (`postgresql://user:password@host:5432/database?sslmode=…`),
 * its parts, or a pool that connects there.
 */
export type ConnectionInput = string | ConnectionParameters | PoolLike;

/** The parts of a connection, defaults filled in. Throws TypeError for one that cannot be read. */
export function connectionParameters(connection: ConnectionInput): ConnectionParameters & {
  readonly port: number;
} {
  if (typeof connection !== 'string' && !('options' in connection)) {
    const { host, port = 5432, database, user } = connection;
    for (const [name, value] of Object.entries({ host, database, user }))
      if (typeof (value as unknown) !== 'string' || value === '')
        throw new TypeError(`connection: ${name} is missing; host, database and user are required`);
    return { ...connection, port };
  }
  const config =
    typeof connection === 'string' ? { connectionString: withoutTls(connection) } : connection.options;
  // Nothing is connected: it only reads its parameters, defaults and environment as `pg` does.
  const { host, port, database, user, password, ssl } = new Client(config) as Client & {
    readonly password?: unknown;
  };
  if (database === undefined || user === undefined)
    throw new TypeError('the connection names no database, or no user');
  const tls = typeof connection === 'string' ? tlsOf(connection) : undefined;
  // A pool may have it from its own connection string or from the environment, a string from `ssl=true`.
  if (tls === undefined && ssl)
    throw new TypeError(
      typeof connection === 'string'
        ? 'the TLS of the connection string is said in sslmode'
        : 'the TLS of a pool cannot be taken over; give the parts of the connection, with tls',
    );
  if (typeof password === 'function')
    throw new TypeError('the password of the pool is a function; give the parts of the connection');
  return {
    ...{ host, port, database, user },
    ...(typeof password === 'string' ? { password } : {}),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** `pg` would read the files, and understand some modes in its own way. */
const tlsNames = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;

function withoutTls(text: string): string {
  const url = urlOf(text);
  if (url === undefined) return text;
  for (const name of tlsNames) url.searchParams.delete(name);
  return url.toString();
}

function tlsOf(text: string): TlsParameters | undefined {
  const parameters = urlOf(text)?.searchParams;
  const written = parameters?.get('sslmode') ?? process.env['PGSSLMODE'];
  const mode = serverTlsModes.find((known) => known === written);
  if (written !== undefined && mode === undefined)
    throw new TypeError(
      `sslmode: expected one of ${serverTlsModes.join(', ')}, got ${JSON.stringify(written)}`,
    );
  if (mode === undefined) return undefined;
  const [ca, certificate, key] = ['sslrootcert', 'sslcert', 'sslkey'].map((name) => parameters?.get(name));
  return {
    mode,
    ...(typeof ca === 'string' ? { ca } : {}),
    ...(typeof certificate === 'string' ? { certificate } : {}),
    ...(typeof key === 'string' ? { key } : {}),
  };
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
