import { createRequire } from 'node:module';
import type { Connection, ConnectionOptions } from 'mysql2/promise';
import { messageOf } from '../../../errors/message-of';
import { waitUntil } from '../../../postgres/deadline';
import type { ColumnKind } from '../../../query/dialect/column-kind';
import { mysqlDialect } from '../../../query/dialect/mysql-dialect';
import type { ReliedOnColumn, RenderedFragment } from '../../../query/dialect/render-fragment';
import type { CopiedKey, CopyDatabase, CopyLimits, CopyReading } from './copy-database';

export interface MysqlDatabaseOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** As a function: asked for each connection. */
  readonly password: string | (() => string | undefined) | undefined;
  readonly database: string;
}

/** Types of MySQL that hold a kind's values as they are. TIMESTAMP depends on time_zone, CHAR drops blanks, DATETIME without digits rounds. */
const faithfulTypes: Readonly<Record<ColumnKind, readonly string[]>> = {
  integer: ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'],
  float: ['double'],
  text: ['varchar', 'tinytext', 'text', 'mediumtext', 'longtext'],
  boolean: ['tinyint'],
  date: ['date'],
  timestamp: ['datetime(6)'],
};

/** ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL. */
const timeoutNumbers: ReadonlySet<number> = new Set([1969, 3024]);
/** Deadlock, lock timeout, shutdown, killed, too many connections: the next attempt may well go through. */
const transientNumbers: ReadonlySet<number> = new Set([1040, 1053, 1203, 1205, 1213, 1317, 1927]);
const connectTimeoutMs = 10_000;

/** A copy on a MySQL or MariaDB server. One connection and one read-only transaction for each run. */
export class MysqlDatabase implements CopyDatabase {
  readonly dialect = mysqlDialect;
  /** Columns whose types have been looked at. */
  readonly #checked = new Set<string>();

  constructor(private readonly options: MysqlDatabaseOptions) {}

  async read(fragment: RenderedFragment, { timeoutMs, maxKeys, signal }: CopyLimits): Promise<CopyReading> {
    if (signal.aborted) return { status: 'aborted' };
    let connection: Connection;
    try {
      connection = await this.#connect();
    } catch (error) {
      return { status: 'unavailable', error: messageOf(error), hasStarted: false };
    }
    try {
      return await waitUntil(
        this.#readOn(connection, fragment, timeoutMs, maxKeys),
        { timeoutMs: timeoutMs + 1_000, signal },
        async (why) => {
          await this.#kill(connection);
          return why === 'aborted'
            ? { status: 'aborted' }
            : { status: 'timeout', error: `no end within ${timeoutMs} ms` };
        },
      );
    } catch (error) {
      return outcomeOf(error);
    } finally {
      connection.destroy();
    }
  }

  async #connect(): Promise<Connection> {
    const { createConnection } = createRequire(__filename)('mysql2/promise') as {
      createConnection: (options: ConnectionOptions) => Promise<Connection>;
    };
    const { host, port, user, password, database } = this.options;
    const connection = await createConnection({
      ...(host.startsWith('/') ? { socketPath: host } : { host, port }),
      ...{
        user,
        password: (typeof password === 'function' ? password() : password) ?? '',
        database,
        connectTimeout: connectTimeoutMs,
        charset: 'utf8mb4',
        supportBigNumbers: true,
      },
    });
    // A connection that is lost rejects what is asked of it; nobody else has to hear of it.
    connection.on('error', () => undefined);
    return connection;
  }

  async #readOn(
    connection: Connection,
    { sql, columns }: RenderedFragment,
    timeoutMs: number,
    maxKeys: number,
  ): Promise<CopyReading> {
    // Whatever the server's defaults are, and none of its modes changes what a rendered text means.
    await connection.query(`SET SESSION sql_mode = '', time_zone = '+00:00'`);
    await connection.query(await this.#timeLimit(connection, timeoutMs));
    await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await connection.query('START TRANSACTION READ ONLY');
    const unchecked = columns.filter((column) => !this.#checked.has(nameOf(column)));
    for (const column of unchecked) {
      const type = await this.#typeOf(connection, column);
      if (type === undefined || !faithfulTypes[column.kind].includes(type)) {
        const found = type === undefined ? 'is not there' : `is of the type ${type}`;
        return { status: 'failed', error: `not a copy: ${column.table}.${column.column} ${found}` };
      }
      this.#checked.add(nameOf(column));
    }
    // By the binary protocol, for which a double is a double.
    const [rows] = await connection.execute({ sql: `${sql} LIMIT ${maxKeys + 2}`, rowsAsArray: true });
    await connection.query('COMMIT');
    return {
      status: 'read',
      keys: (rows as unknown as readonly (readonly [CopiedKey])[]).map(([key]) => key),
    };
  }

  async #timeLimit(connection: Connection, timeoutMs: number): Promise<string> {
    const [rows] = await connection.query({ sql: 'SELECT VERSION()', rowsAsArray: true });
    const version = String((rows as unknown as readonly (readonly unknown[])[])[0]?.[0]);
    return /mariadb/i.test(version)
      ? `SET SESSION max_statement_time = ${timeoutMs / 1_000}`
      : `SET SESSION max_execution_time = ${Math.ceil(timeoutMs)}`;
  }

  /** As information_schema has it, in lower case; a fraction's digits are part of it where there can be any. */
  async #typeOf(connection: Connection, { table, column }: ReliedOnColumn): Promise<string | undefined> {
    const [rows] = await connection.execute({
      sql:
        `SELECT LOWER(data_type), datetime_precision FROM information_schema.columns ` +
        `WHERE table_schema = DATABASE() AND BINARY table_name = ? AND BINARY column_name = ?`,
      values: [table, column],
      rowsAsArray: true,
    });
    const [found] = rows as unknown as readonly (readonly [string, number | bigint | null])[];
    if (found === undefined) return undefined;
    const [type, digits] = found;
    return digits === null || type === 'date' ? type : `${type}(${digits})`;
  }

  /** From another connection: to close this one would not end what it runs. */
  async #kill(connection: Connection): Promise<void> {
    try {
      const other = await this.#connect();
      try {
        await other.query(`KILL ${connection.threadId}`);
      } finally {
        other.destroy();
      }
    } catch (error) {
      // It has ended by itself, or nobody can be reached any more; else its own time limit ends it.
      if (!(error instanceof Error)) throw error;
    }
  }
}

function outcomeOf(error: unknown): CopyReading {
  const number = error instanceof Error && 'errno' in error ? Number(error.errno) : Number.NaN;
  const message = messageOf(error);
  if (timeoutNumbers.has(number)) return { status: 'timeout', error: message };
  // The server's own errors have numbers from 1000 on; without one the connection was lost.
  const isOfServer = number >= 1_000;
  if (!isOfServer || transientNumbers.has(number))
    return { status: 'unavailable', error: message, hasStarted: true };
  return { status: 'failed', error: message };
}

function nameOf({ table, column, kind }: ReliedOnColumn): string {
  return JSON.stringify([table, column, kind]);
}
