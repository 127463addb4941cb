import { Pool, type PoolClient } from 'pg';
import { ControlConnectionError } from '../errors/control-connection-error';
import { type ControlClient, type ControlRow, PgControlClient, type QueryOptions } from './control-client';
import { quoteIdentifier } from '../query/ast/quote';
import { waitUntil } from './deadline';
import { defaultKeepAliveMs } from './keep-alive';
import { encryptionsToTry, type Encryption, type ServerTls, tlsConnectOptions } from './server-tls';
import { type SqlFile, sqlFile } from './sql-files';

const applySettings = sqlFile('apply-connection-settings');

/** How the program itself reaches a database; apart from, and with other rights than, the clients' connections. */
export interface ControlPoolOptions {
  /** Host name, address, or directory of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** As a function: asked for each connection that is made. */
  readonly password?: string | (() => string | undefined) | undefined;
  /** Default: no TLS. */
  readonly tls?: ServerTls | undefined;
  readonly maxConnections?: number;
  /** For making a connection, and for waiting until one is free. */
  readonly connectTimeoutMs?: number;
  /** For one statement, unless it says otherwise. */
  readonly queryTimeoutMs?: number;
  /** Settings of each connection, by name. Those that the server does not know are left out. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Hears of connections that were lost while idle. The next statement makes a new one. */
  readonly onIdleLoss?: (error: ControlConnectionError) => void;
}

/** Connections of our own to one database, made when needed, and made again after a loss. */
export interface ControlPool extends ControlClient, AsyncDisposable {
  /** `host:port/database as user`, for messages. */
  readonly target: string;
  /**
   * Lends one connection until the callback settles. A connection that was cancelled, lost, or left inside a transaction
   * is not used again.
   */
  withClient<T>(use: (client: ControlClient) => Promise<T>, options?: { signal?: AbortSignal }): Promise<T>;
  /**
   * Keeps one connection to itself and calls `notified` with the payload of each notification on a channel, from when the promise
   * resolves until the listening is disposed of or lost. Rejects with ControlConnectionError or ControlQueryError.
   */
  listen(channel: string, notified: (payload: string) => void): Promise<Listening>;
}

export interface Listening extends AsyncDisposable {
  /** Resolves when the connection is gone: notifications may be missed from then on. */
  readonly lost: Promise<void>;
}

/** Makes a pool; no connection is made before the first statement. The caller disposes of it. */
export function openPool(options: ControlPoolOptions): ControlPool {
  return new PgControlPool(options);
}

class PgControlPool implements ControlPool {
  readonly target: string;
  readonly #pool: Pool;
  readonly #connectTimeoutMs: number;
  readonly #queryTimeoutMs: number;
  /** Ends the waiting of those who wait for a connection. */
  readonly #waiting = new Set<() => void>();

  constructor(private readonly options: ControlPoolOptions) {
    const { host, port, database, user, password } = options;
    this.target = `${host}:${String(port)}/${database} as ${user}`;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 10_000;
    this.#queryTimeoutMs = options.queryTimeoutMs ?? 30_000;
    const settings = Object.entries(options.settings ?? {});
    this.#pool = new Pool({
      host,
      port,
      database,
      user,
      // As a function, so that `pg` does not go looking in PGPASSWORD and ~/.pgpass when there is none.
      password: () => (typeof password === 'function' ? password() : password) ?? '',
      application_name: 'pcache',
      max: options.maxConnections ?? 4,
      connectionTimeoutMillis: this.#connectTimeoutMs,
      // Left to the system, a connection that only listens is taken for alive two hours after it was lost on the way.
      keepAlive: true,
      keepAliveInitialDelayMillis: defaultKeepAliveMs,
      allowExitOnIdle: true,
      ...(settings.length === 0
        ? {}
        : {
            // The pool waits for it, whatever its types say.
            // eslint-disable-next-line @typescript-eslint/no-misused-promises
            onConnect: async (client) => {
              const values = [settings.map(([name]) => name), settings.map(([, value]) => value)];
              await client.query(applySettings.text, values);
            },
          }),
    });
    this.#pool.on('error', (error) => {
      const message = `an idle connection was lost: ${error.message}`;
      options.onIdleLoss?.(new ControlConnectionError(this.target, 'lost', message, { cause: error }));
    });
  }

  query<Row extends ControlRow>(file: SqlFile, params?: readonly unknown[], options: QueryOptions = {}) {
    return this.#once((client) => client.query<Row>(file, params, options), options);
  }

  execute<Row extends ControlRow>(
    what: string,
    text: string,
    params?: readonly unknown[],
    options: QueryOptions = {},
  ) {
    return this.#once((client) => client.execute<Row>(what, text, params, options), options);
  }

  runScript(file: SqlFile, options: QueryOptions = {}) {
    return this.#once((client) => client.runScript(file, options), options);
  }

  async withClient<T>(
    use: (client: ControlClient) => Promise<T>,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<T> {
    const connection = await this.#connect(signal);
    const client = this.#lend(connection);
    // A connection that dies between two statements says so by an event; unheard, that would end the process. The loss is
    // told by the next statement's rejection, and the pool sees for itself that the connection is of no more use.
    const onError = (): void => undefined;
    connection.on('error', onError);
    try {
      return await use(client);
    } finally {
      // The pool's own listener goes on first: there must not be a moment without one.
      connection.release(!client.isUsable || connection.getTransactionStatus() !== 'I');
      connection.off('error', onError);
    }
  }

  async listen(channel: string, notified: (payload: string) => void): Promise<Listening> {
    const connection = await this.#connect(undefined);
    const lost = new Promise<void>((resolve) => {
      // An event nobody hears would end the process.
      connection.on('error', () => resolve());
      connection.on('end', () => resolve());
    });
    connection.on('notification', ({ payload }) => notified(payload ?? ''));
    const client = this.#lend(connection);
    try {
      await client.execute('LISTEN', `listen ${quoteIdentifier(channel)}`);
    } catch (error) {
      connection.release(true);
      throw error;
    }
    let isReleased = false;
    return {
      lost,
      [Symbol.asyncDispose]: async () => {
        if (!isReleased) connection.release(true);
        isReleased = true;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The pool says nothing to those who wait for a connection.
    for (const giveUp of this.#waiting) giveUp();
    await this.#pool.end();
  }

  #lend(connection: PoolClient): PgControlClient {
    const { host, port, tls } = this.options;
    return new PgControlClient(connection, { host, port, tls, target: this.target }, this.#queryTimeoutMs);
  }

  #once<T>(use: (client: ControlClient) => Promise<T>, { signal }: QueryOptions): Promise<T> {
    return this.withClient(use, signal === undefined ? {} : { signal });
  }

  /** Tries what the mode of TLS allows, in its order; rejects as the last one did. */
  async #connect(signal: AbortSignal | undefined): Promise<PoolClient> {
    const { tls, host } = this.options;
    const encryptions = encryptionsToTry(tls, host);
    for (const [index, encryption] of encryptions.entries()) {
      try {
        return await this.#connectWith(encryption, signal);
      } catch (error) {
        if (index === encryptions.length - 1 || signal?.aborted === true) throw error;
      }
    }
    throw new Error('there is always one way to connect');
  }

  async #connectWith(encryption: Encryption, signal: AbortSignal | undefined): Promise<PoolClient> {
    signal?.throwIfAborted();
    const { tls, host } = this.options;
    // The pool reads its options when it makes a connection. One that had to wait for its turn may find what another
    // caller wants: it is then refused, or not, as that other way is, and both are ways the mode allows.
    this.#pool.options.ssl =
      encryption === 'plain' || tls === undefined ? false : tlsConnectOptions(tls, host);
    const connecting = this.#orClosed(this.#pool.connect());
    // The pool keeps the time itself; half a second more, for it to be the one that tells what was wrong.
    const deadline = { timeoutMs: this.#connectTimeoutMs + 500, signal };
    try {
      return await waitUntil(connecting, deadline, (expiry) => {
        connecting.then(
          (connection) => connection.release(),
          // Nobody is waiting any more, and the pool has already dropped the connection.
          () => undefined,
        );
        if (expiry === 'aborted') throw signal?.reason;
        throw new Error(`no connection within ${String(this.#connectTimeoutMs)} ms`);
      });
    } catch (error) {
      if (signal?.aborted === true && error === signal.reason) throw error;
      const reason = error instanceof Error ? describeConnectError(error) : String(error);
      throw new ControlConnectionError(this.target, 'unreachable', reason, { cause: error });
    }
  }

  /** The same, but rejects at once when the pool is closed. */
  #orClosed(connecting: Promise<PoolClient>): Promise<PoolClient> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        connecting.then(
          (connection) => connection.release(),
          () => undefined,
        );
        reject(new Error('the connections of this pool are closed'));
      };
      this.#waiting.add(giveUp);
      connecting.finally(() => this.#waiting.delete(giveUp)).then(resolve, reject);
    });
  }
}

/** A refused connection to a name with several addresses is an AggregateError, whose own message is empty. */
function describeConnectError(error: Error): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ');
  }
  return error.message;
}
