import { z } from 'zod';
import { serverTlsModes } from '../../postgres/server-tls';
import { partitionKeyTypes } from '../../query/partition-key';
import { parseMethodChoice } from '../../query/rewrite/method';
import { adminSchema } from './admin-schema';
import { cacheSchema } from './cache-schema';
import { evictionSchema } from './eviction-schema';
import { fragmentsSchema } from './fragments-schema';
import { logSchema } from './log-schema';
import { populationSchema } from './population-schema';
import { verifySchema } from './verify-schema';
import { queueSchema } from './queue-schema';
import { sourceSchema } from './source-schema';
import {
  boundPort,
  choice,
  count,
  host,
  milliseconds,
  remotePort,
  says,
  serverHost,
  text,
} from './option-kinds';

export const proxyModes = ['on', 'verify', 'observe', 'off'] as const;
/** What a session can be in; verifying changes nothing for it. */
export type ProxyMode = Exclude<(typeof proxyModes)[number], 'verify'>;

export { type LogFormat, logFormats, type LogLevel, logLevels } from './log-schema';

/** allow and prefer mean the same to a server: TLS is there for those who ask, others are taken as well. */
export const clientTlsModes = ['disable', 'allow', 'prefer', 'require'] as const;
export type ClientTlsMode = (typeof clientTlsModes)[number];

/** relay: the server alone verifies. verify: the proxy does as well, where the server asks for SCRAM. */
export const authModes = ['relay', 'verify'] as const;
export type AuthMode = (typeof authModes)[number];

export const tlsVersions = ['TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof tlsVersions)[number];

/** More than any machine of today has processors for. */
const maxWorkers = 1024;

/** `exact` is known but refused until change tracking is built; see cross-checks.ts. */
export const consistencies = ['static', 'exact'] as const;

const control = z
  .strictObject({
    user: text(
      'Role of the connections pcache opens itself, for the catalog and for fragments.',
      'a role name',
    ),
    password_env: text(
      'Environment variable that holds the password; left out together with password_file: no password is sent.',
      'the name of an environment variable',
    ).optional(),
    password_file: text(
      'File that holds the password; one line end at its end is not part of it.',
      'the name of a file',
    ).optional(),
    host: serverHost('Host of these connections, where it is not upstream.host.').optional(),
    port: remotePort('Port of these connections, where it is not upstream.port.').optional(),
  })
  .meta({ expects: 'a mapping with user and, where needed, password_env or password_file' });

const methodNames = '"auto", "inline", "in_subquery", "tmp_table_in" or "tmp_table_join"';

const partitionKey = z
  .strictObject({
    datatype: choice(partitionKeyTypes, 'Type of the key columns.'),
    consistency: choice(
      consistencies,
      'exact: every answer is that of the data as they are, whoever changes them; pcache track install sets up what that takes. static: you promise that the data of these tables does not change.',
    ).default('exact'),
    tables: z
      .record(
        z.string(),
        text(
          'Key column of the table, or of the view, which must be a selection of rows of tables.',
          'the name of a column',
        ),
      )
      .meta({ expects: 'a mapping of schema.table to the name of its key column' }),
    max_key_share: z
      .number()
      .gt(0)
      .max(1)
      .meta(
        says(
          'A key set that holds more than this share of all keys is not used: it would cost more than it saves.',
          'a number above 0, up to 1',
        ),
      )
      .default(0.5),
    fragments: fragmentsSchema,
    method: z
      .string()
      .transform((written, context) => {
        const method = parseMethodChoice(written);
        if (method !== undefined) return method;
        context.addIssue({
          code: 'custom',
          message: `expected ${methodNames}, got ${JSON.stringify(written)}`,
        });
        return z.NEVER;
      })
      .meta(says('How its keys are put into a statement; see "Restriction methods".', methodNames))
      .default('auto'),
  })
  .meta({ expects: 'a mapping with datatype and tables' });

const database = z
  .strictObject({
    control,
    max_sessions: count(
      0,
      1_000_000,
      'Clients connected to the database at once, where it is not limits.max_sessions_per_database. 0: any number.',
    ).optional(),
    source: sourceSchema.optional(),
    partition_keys: z
      .record(z.string(), partitionKey)
      .meta({ expects: 'a mapping of names to partition keys' }),
  })
  .meta({ expects: 'a mapping with control and partition_keys' });

const clientTls = z
  .strictObject({
    mode: choice(
      clientTlsModes,
      'TLS for clients. disable: none. allow, prefer: for those who ask. require: others are refused, but on the unix socket.',
    ).default('disable'),
    certificate: text(
      'PEM file with the certificate of the proxy and those between it and its authority; SIGHUP reads it again.',
      'the name of a file',
    ).optional(),
    key: text('PEM file with the key of the certificate.', 'the name of a file').optional(),
    client_ca: text(
      'PEM file with authorities: clients that use TLS have to show a certificate of one of them.',
      'the name of a file',
    ).optional(),
    minimum_version: choice(tlsVersions, 'Oldest version of TLS that is spoken with clients.').default(
      'TLSv1.2',
    ),
  })
  .prefault({});

const serverTls = z
  .strictObject({
    mode: choice(
      serverTlsModes,
      "TLS to the server, for clients' sessions and for pcache's own connections, as sslmode of libpq. Not used on a unix socket.",
    ).default('disable'),
    ca: text(
      "PEM file with the authorities of the server's certificate; with it, require means verify-ca.",
      'the name of a file',
    ).optional(),
    certificate: text(
      "PEM file with pcache's own certificate, for a server that asks for one.",
      'the name of a file',
    ).optional(),
    key: text('PEM file with the key of that certificate.', 'the name of a file').optional(),
  })
  .prefault({});

/**
 * The configuration file, value by value. What concerns several values at once is in cross-checks.ts, because zod
 * leaves an object's own checks out once one of its values is wrong, and every problem is to be reported at once.
 */
export const configSchema = z
  .strictObject({
    mode: choice(
      proxyModes,
      'on: learn and restrict. verify: the same, and a share of the results is compared with those of the statements as they came; see verify. observe: learn and report, change no statement. off: relay only.',
    ).default('on'),
    workers: z
      .union([z.int().min(1).max(maxWorkers), z.literal('auto')])
      .meta(
        says(
          'Processes that serve clients; see "Workers". auto: as many as there are processors. 1: the process that is started, and no other.',
          `a whole number from 1 to ${maxWorkers}, or "auto"`,
        ),
      )
      .default(1),
    listen: z
      .strictObject({
        host: host('Address clients connect to.').default('127.0.0.1'),
        port: boundPort('Port clients connect to.').default(6432),
        socket_directory: text(
          'Directory in which a unix socket is made as well, named .s.PGSQL. and the port.',
          'the name of a directory',
        ).optional(),
        tls: clientTls,
      })
      .prefault({}),
    upstream: z
      .strictObject({
        host: serverHost('Host of the PostgreSQL server, or the directory of its unix socket.').default(
          '127.0.0.1',
        ),
        port: remotePort('Port of the PostgreSQL server.').default(5432),
        tls: serverTls,
      })
      .prefault({}),
    auth: z
      .strictObject({
        mode: choice(
          authModes,
          'relay: logging in is between client and server. verify: where the server asks for SCRAM, pcache holds it with each of them, so that both legs can have TLS.',
        ).default('relay'),
        query: text(
          'Statement that returns the name of role $1 and its SCRAM verifier, as PgBouncer asks for it; by default pg_authid is read, unless there is a user_file.',
          'a statement with $1 for the name of the role',
        ).optional(),
        database: text(
          'Database whose control role runs the query; by default the first one under databases.',
          'the name of a database under databases',
        ).optional(),
        user_file: text(
          "File in the form of PgBouncer's userlist.txt, with SCRAM verifiers; asked before the query, SIGHUP reads it again.",
          'the name of a file',
        ).optional(),
      })
      .prefault({}),
    admin: adminSchema,
    cache: cacheSchema,
    population: populationSchema,
    verify: verifySchema,
    queue: queueSchema,
    eviction: evictionSchema,
    freshness: z
      .strictObject({
        schema: z
          .string()
          .regex(/^[a-z_][a-z0-9_$]{0,49}$/)
          .meta(
            says(
              'Schema of the change logs, in every database under databases; pcache track install makes it.',
              'up to 50 lower-case letters, digits and underscores',
            ),
          )
          .default('pcache'),
        lock_timeout_ms: milliseconds(
          1,
          'Time pcache track waits for a lock on a table, with all that come after it, before it lets them go first and tries again.',
        ).default(200),
        lock_attempts: count(1, 10_000, 'How often it tries.').default(50),
        check_ms: milliseconds(
          100,
          'How often a proxy looks whether changes are tracked and the catalog is as it was. No answer depends on it.',
        ).default(1_000),
        require_ddl_watch: z
          .boolean()
          .meta(
            says(
              'Whether keys are exact only where event triggers watch DDL. false: a change by DDL, or by a writer while triggers are disabled, may be seen check_ms too late.',
              'true or false',
            ),
          )
          .default(true),
        max_changes: count(
          1_000,
          1_000_000_000,
          'Changes kept in each log; entries that have not seen older ones are made anew.',
        ).default(100_000),
        refresh_changes: count(
          1,
          1_000_000,
          'Changed keys that an entry has not seen, above which it is brought up to date.',
        ).default(100),
      })
      .prefault({}),
    limits: z
      .strictObject({
        max_sessions: count(1, 1_000_000, 'Clients connected at once; one more is refused.').default(10_000),
        max_sessions_per_database: count(
          0,
          1_000_000,
          'Of these, in one database; see max_sessions of a database. 0: any number.',
        ).default(0),
        max_sessions_per_user: count(
          0,
          1_000_000,
          'Of these, of one user, as clients name it: they are counted before the server has verified who they are. 0: any number.',
        ).default(0),
        connect_timeout_ms: milliseconds(1, 'Time to open a connection to upstream.').default(10_000),
        held_reply_bytes: count(
          0,
          2 ** 30,
          'Largest reply held back so that a failing restricted statement can be run again as it came.',
        ).default(2 ** 20),
        inspect_bytes: count(1024, 2 ** 30, 'Longer messages are relayed without being looked at.').default(
          2 ** 20,
        ),
        login_timeout_ms: milliseconds(
          1,
          'Time a client has from connecting to the end of its log-in.',
        ).default(60_000),
        query_timeout_ms: milliseconds(
          0,
          'A statement a client waits for longer is canceled, and fails with 57014 as if the client had canceled it. 0: none.',
        ).default(0),
        idle_timeout_ms: milliseconds(
          0,
          "A client that is idle for longer, outside a transaction block, is sent away with 57P05. 0: none. Inside a block, set the server's idle_in_transaction_session_timeout.",
        ).default(0),
        tcp_keepalive_ms: milliseconds(
          0,
          'Silence after which TCP asks a client, or the server, whether it is still there; 10 s later it counts as gone. 0: never.',
        ).default(60_000),
        max_message_bytes: count(
          1024,
          2 ** 30,
          'A larger message of a client ends its session with 54000, in databases listed under databases.',
        ).default(2 ** 30),
        drain_timeout_ms: milliseconds(0, 'Time running statements have to finish after SIGTERM.').default(
          30_000,
        ),
        successor_timeout_ms: milliseconds(
          1,
          'Time that a successor has after SIGUSR2 until it accepts clients, and a worker that is started; one that takes longer is killed.',
        ).default(60_000),
        worker_timeout_ms: milliseconds(
          100,
          'A worker that gives no sign of life for as long is killed, and replaced.',
        ).default(30_000),
        memory_bytes: count(
          2 ** 20,
          2 ** 40,
          'Memory for key sets kept at hand, in each worker; those that do not fit are read from the cache when needed.',
        ).default(2 ** 28),
      })
      .prefault({}),
    log: logSchema,
    databases: z
      .record(z.string(), database)
      .meta({
        description: 'Databases by name; those not listed are relayed untouched.',
        expects: 'a mapping of database names',
      })
      .prefault({}),
  })
  .meta({ expects: 'a mapping of options' });

/** A valid file's content with defaults filled in, still under the file's own names. */
export type ConfigFile = z.output<typeof configSchema>;
