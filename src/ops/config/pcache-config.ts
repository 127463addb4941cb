import type { CacheType } from '../../cache/cache-types';
import type { EvictionLimits } from '../../cache/eviction/eviction-policy';
import type { FragmentOptions } from '../../query/fragment/fragment-options';
import type { PartitionKey } from '../../query/partition-key';
import type { MethodChoice } from '../../query/rewrite/method';
import type { ServerTlsFiles } from '../../postgres/server-tls';
import type { AdminAccessMode } from './admin-schema';
import type {
  AuthMode,
  ClientTlsMode,
  ConfigFile,
  LogFormat,
  LogLevel,
  ProxyMode,
  TlsVersion,
} from './config-schema';
import type { EvictionRunner } from './eviction-schema';
import type { CacheUse, PopulationRunner } from './population-schema';
import type { QueueProvider } from './queue-schema';
import type { Secret } from './secret';

/** A configuration that passed every check: frozen, defaults filled in, paths absolute, secrets read. */
export interface PcacheConfig {
  /** What it was made of, under the names of the file. */
  readonly options: ConfigFile;
  /** The file it came from, for messages; undefined if there was none. */
  readonly source: string | undefined;
  /** What its author may want to know, such as new names of options. */
  readonly notices: readonly string[];
  readonly mode: ProxyMode;
  /** Of `mode: verify`. */
  readonly verification: VerifyConfig | undefined;
  /** What it would be with another mode. */
  readonly verify: VerifyConfig;
  /** Processes that serve clients; 1: this one. */
  readonly workers: number;
  readonly listen: ListenConfig;
  readonly upstream: UpstreamConfig;
  readonly auth: AuthConfig;
  readonly admin: AdminConfig;
  readonly cache: CacheConfig;
  readonly population: PopulationConfig;
  readonly queue: QueueConfig;
  readonly eviction: EvictionConfig;
  readonly freshness: FreshnessConfig;
  readonly limits: LimitsConfig;
  readonly log: LogConfig;
  /** By database name. Databases not listed are relayed untouched. */
  readonly databases: ReadonlyMap<string, DatabaseConfig>;
}

/** timeoutMs in milliseconds. */
export interface VerifyConfig {
  readonly share: number;
  readonly timeoutMs: number;
}

export interface Endpoint {
  readonly host: string;
  /** 0, where it is our own: any free port. */
  readonly port: number;
}

export interface ListenConfig extends Endpoint {
  readonly socketDirectory: string | undefined;
  readonly tls: ClientTlsConfig;
}

/** The operator's port. Without a token nothing can be changed there. */
export interface AdminConfig extends Endpoint {
  readonly access: AdminAccessMode;
  readonly token: Secret | undefined;
  /** Roles that may use the console; none: there is no console. */
  readonly users: readonly string[];
  /** Where it is. */
  readonly consoleDatabase: string;
  /** A database of the server, to log in to. */
  readonly loginDatabase: string;
}

/** `host` may be the directory of a unix socket, and then begins with a slash. */
export interface UpstreamConfig extends Endpoint {
  readonly tls: ServerTlsFiles;
}

/** TLS for clients. File names are absolute; certificate and key are there unless the mode is disable. */
export interface ClientTlsConfig {
  readonly mode: ClientTlsMode;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly clientCa: string | undefined;
  readonly minimumVersion: TlsVersion;
}

/** Who verifies clients, and by what. File names are absolute. */
export interface AuthConfig {
  readonly mode: AuthMode;
  /** undefined: pcache's own, or none if there is a user file. */
  readonly query: string | undefined;
  /** undefined: the first one. */
  readonly database: string | undefined;
  readonly userFile: string | undefined;
}

export interface CacheConfig {
  readonly backend: CacheType;
  /** Absolute; only of use to backends that keep files. */
  readonly path: string;
  /** Only of use to backends with bit sets: they hold keys from 0 to one less. */
  readonly bits: number;
  /** How long a statement waits for key sets that are not in memory. */
  readonly deadlineMs: number;
  /** Only of use to backends in PostgreSQL. */
  readonly postgresql: CachePostgresqlConfig;
  /** Only of use to backends in Redis. */
  readonly redis: CacheRedisConfig;
}

export interface CacheRedisConfig {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly addresses: readonly [Endpoint, ...Endpoint[]];
  /** What Sentinels call the server; there if kind is sentinel. */
  readonly sentinelName: string | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly database: number;
  readonly tls: ServerTlsFiles;
  readonly keyPrefix: string;
  /** How long an entry stays, in milliseconds; undefined: until the server evicts it. */
  readonly ttlMs: number | undefined;
  readonly commandTimeoutMs: number;
}

/** A database, and who to be there. */
export interface PostgresqlPlace extends Endpoint {
  readonly database: string | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
}

/** Where a cache in PostgreSQL is; database and user are there if such a backend is configured. */
export interface CachePostgresqlConfig extends PostgresqlPlace {
  readonly schema: string;
  readonly tablePrefix: string;
  /** Whether key sets may be stored where they are computed, if that is the same database. */
  readonly mayStoreInPlace: boolean;
}

export interface PopulationConfig {
  readonly minQueryMs: number;
  readonly minSeen: number;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly maxKeys: number;
  /** How known fragments restrict those that are run. */
  readonly useCache: CacheUse;
  readonly runBy: PopulationRunner;
  /** 0: none of its own. */
  readonly lockTimeoutMs: number;
  /** undefined: the server's. */
  readonly workMem: string | undefined;
  /** Above 0, up to 1. */
  readonly duty: number;
  readonly parallelWorkers: number;
  /** 0: no limit. */
  readonly maxActiveConnections: number;
  /** 0: no limit. */
  readonly maxReplicationLagMs: number;
}

/** Where statements and fragments wait to be worked on. A queue in Redis is where the section of the cache says. */
export interface QueueConfig {
  readonly provider: QueueProvider;
  readonly tablePrefix: string;
  /** Where a queue in PostgreSQL is, in the schema of the cache; as for the cache unless the file says otherwise. */
  readonly postgresql: PostgresqlPlace;
  readonly isListening: boolean;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  /** Of each tier and database. */
  readonly maxLength: number;
}

/** What of the cache is removed, when and by whom. */
export interface EvictionConfig {
  readonly runBy: EvictionRunner;
  readonly intervalMs: number;
  readonly limits: EvictionLimits;
  readonly logDays: number;
}

/** How changes of tracked tables are noticed, and what `pcache track` may do to install that. */
export interface FreshnessConfig {
  readonly schema: string;
  readonly lockTimeoutMs: number;
  readonly lockAttempts: number;
  readonly checkMs: number;
  readonly requiresDdlWatch: boolean;
  /** In each log. */
  readonly maxChanges: number;
  /** Keys, of one entry. */
  readonly refreshChanges: number;
}

export interface LimitsConfig {
  readonly maxSessions: number;
  /** 0: any number. */
  readonly maxSessionsPerDatabase: number;
  /** 0: any number. */
  readonly maxSessionsPerUser: number;
  readonly connectTimeoutMs: number;
  readonly heldReplyBytes: number;
  readonly inspectBytes: number;
  readonly loginTimeoutMs: number;
  /** 0: none. */
  readonly queryTimeoutMs: number;
  /** 0: none. */
  readonly idleTimeoutMs: number;
  /** 0: none. */
  readonly keepAliveMs: number;
  readonly maxMessageBytes: number;
  readonly drainTimeoutMs: number;
  readonly successorTimeoutMs: number;
  readonly workerTimeoutMs: number;
  readonly memoryBytes: number;
}

export interface LogConfig {
  readonly level: LogLevel;
  /** By part, in place of `level`. */
  readonly levels: ConfigFile['log']['levels'];
  readonly format: LogFormat;
  /** Whether statement texts and parameter values may be written. */
  readonly sql: boolean;
  /** Statements that take as long are written, in milliseconds; 0: none. */
  readonly slowMs: number;
  /** Share of the restricted statements that are written. */
  readonly rewriteShare: number;
}

export interface DatabaseConfig {
  readonly name: string;
  readonly control: ControlConfig;
  /** Clients at once; 0: any number. undefined: as for other databases. */
  readonly maxSessions: number | undefined;
  /** Where fragments are run; undefined: on the database itself. */
  readonly source: SourceConfig | undefined;
  /** By the key's logical name. */
  readonly partitionKeys: ReadonlyMap<string, PartitionKeyConfig>;
}

/** Where fragments are run, if not on the database itself. The standby is connected to as the control role; `path` is absolute. */
export type SourceConfig =
  | ({ readonly kind: 'standby' } & Endpoint)
  | ({
      readonly kind: 'mysql';
      readonly user: string;
      readonly password: Secret | undefined;
      readonly database: string;
      readonly schema: string;
    } & Endpoint)
  | { readonly kind: 'sqlite'; readonly path: string; readonly schema: string };

/** How the proxy itself connects to a database; host and port are upstream's where the file says nothing else. */
export interface ControlConfig extends Endpoint {
  readonly user: string;
  readonly password: Secret | undefined;
}

/**
 * A partition key and how far it is to be trusted. In `tables` names stand without quotes and as the catalog has
 * them (`public.Place` for `public."Place"`); neither part contains a dot.
 */
export interface PartitionKeyConfig extends PartitionKey {
  /** exact: kept so by change tracking. static: the operator promises that the data does not change. */
  readonly consistency: 'static' | 'exact';
  /** Share of all keys, above 0 and up to 1, beyond which a key set is not used. */
  readonly maxKeyShare: number;
  readonly fragments: FragmentOptions;
  /** How its keys are put into a statement. */
  readonly method: MethodChoice;
}
