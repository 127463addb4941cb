import { messageOf } from '../../errors/message-of';
import {
  loadServerTls,
  type ServerTls,
  type ServerTlsFiles,
  serverTlsModes,
} from '../../postgres/server-tls';
import { UsageError } from '../usage-error';

/** A database, and how to get there. */
export interface DsnParts {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** undefined: no TLS. */
  readonly tls: ServerTlsFiles | undefined;
}

const expected = 'expected postgresql://user:password@host:port/database';

/** Reads a connection string as libpq has it; parameters that it has for other things than where and how to connect are left out. Throws UsageError. */
export function readDsn(dsn: string): DsnParts {
  if (!/^postgres(ql)?:\/\//.test(dsn) || !URL.canParse(dsn)) throw new UsageError(`--dsn: ${expected}`);
  const url = new URL(dsn);
  const parameter = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;
  const user = part(url.username) ?? parameter('user');
  if (user === undefined) throw new UsageError(`--dsn: it says no user; ${expected}`);
  const port = Number(url.port === '' ? (parameter('port') ?? 5432) : url.port);
  if (!(Number.isInteger(port) && port >= 1 && port <= 65_535))
    throw new UsageError(`--dsn: expected a port from 1 to 65535, got ${JSON.stringify(parameter('port'))}`);
  return {
    host: part(url.hostname.replace(/^\[(.*)\]$/, '$1')) ?? parameter('host') ?? '127.0.0.1',
    port,
    database: part(url.pathname.slice(1)) ?? parameter('dbname') ?? user,
    user,
    password: part(url.password) ?? parameter('password'),
    tls: tlsOf(parameter),
  };
}

/** Reads its files. Throws UsageError. */
export function loadDsnTls({ tls }: DsnParts): ServerTls | undefined {
  if (tls === undefined) return undefined;
  try {
    return loadServerTls(tls);
  } catch (error) {
    throw new UsageError(`--dsn: a certificate or key cannot be used: ${messageOf(error)}`);
  }
}

function tlsOf(parameter: (name: string) => string | undefined): ServerTlsFiles | undefined {
  const written = parameter('sslmode');
  if (written === undefined) return undefined;
  const mode = serverTlsModes.find((known) => known === written);
  if (mode === undefined)
    throw new UsageError(
      `--dsn: sslmode: expected one of ${serverTlsModes.join(', ')}, got ${JSON.stringify(written)}`,
    );
  if (mode === 'disable') return undefined;
  return {
    mode,
    ca: parameter('sslrootcert'),
    certificate: parameter('sslcert'),
    key: parameter('sslkey'),
  };
}

/** undefined if there is nothing. Throws UsageError for a percent sign that does not stand for a character. */
function part(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new UsageError('--dsn: a percent sign in it is to be written %25');
  }
}
