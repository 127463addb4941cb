import { type Client, DatabaseError } from 'pg';
import { ControlConnectionError } from '../errors/control-connection-error';
import { ControlQueryError } from '../errors/control-query-error';
import { sendCancelRequest } from './cancel-request';
import type { ServerAddress } from './server-socket';
import { type Expiry, waitUntil } from './deadline';
import type { SqlFile } from './sql-files';

/** A row by column name, as `pg` converts it: int8 and numeric stay text. */
export type ControlRow = Readonly<Record<string, unknown>>;

export interface QueryOptions {
  /** Ends the statement on the server when aborted; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Overrides the pool's limit for this statement. */
  readonly timeoutMs?: number | undefined;
}

/** One connection of our own, lent for the time of a callback. Statements run one after the other. */
export interface ControlClient {
  /** Runs a statement of sql/queries. Rejects with ControlQueryError or ControlConnectionError. */
  query<Row extends ControlRow = ControlRow>(
    file: SqlFile,
    params?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<readonly Row[]>;
  /** Runs one statement that cannot be a file, such as a fragment; `what` names it in errors. */
  execute<Row extends ControlRow = ControlRow>(
    what: string,
    text: string,
    params?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<readonly Row[]>;
  /** Runs several statements in one, such as a migration. */
  runScript(file: SqlFile, options?: QueryOptions): Promise<void>;
}

/** How long a cancelled statement may take to end before its connection is cut. */
const CANCEL_GRACE_MS = 2_000;

/**
 * SQLSTATEs after which the server closes the connection: class 08, operator intervention but for a cancelled query, and
 * the session time-outs (manual, Appendix A).
 */
const endsConnection = /^(08|57P0|25P0[34]|53300)/;

/**
 * Owns nothing: the pool lends the connection, and asks afterwards whether it `isUsable`.
 *
 * @internal Programs that use the library have no types of `pg`.
 */
export class PgControlClient implements ControlClient {
  #isUsable = true;

  constructor(
    private readonly client: Client,
    private readonly server: ServerAddress & { readonly target: string },
    private readonly defaultTimeoutMs: number,
  ) {}

  /** False once a statement was cancelled or the connection lost: a late cancel could otherwise hit the next statement. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  query<Row extends ControlRow>(file: SqlFile, params: readonly unknown[] = [], options: QueryOptions = {}) {
    return this.execute<Row>(`${file.name}.sql`, file.text, params, options);
  }

  async execute<Row extends ControlRow>(
    what: string,
    text: string,
    params: readonly unknown[] = [],
    options: QueryOptions = {},
  ): Promise<readonly Row[]> {
    // The extended protocol takes one statement only, whatever a text says. @types/pg does not know the option.
    const query = { text, values: [...params], queryMode: 'extended' };
    const { rows } = await this.#run(what, () => this.client.query<Row>(query), options);
    return rows;
  }

  async runScript(file: SqlFile, options: QueryOptions = {}): Promise<void> {
    await this.#run(`${file.name}.sql`, () => this.client.query(file.text), options);
  }

  async #run<T>(what: string, start: () => Promise<T>, options: QueryOptions): Promise<T> {
    options.signal?.throwIfAborted();
    const timeoutMs = options.timeoutMs ?? this.defaultTimeoutMs;
    const answer = start();
    try {
      return await waitUntil(answer, { timeoutMs, signal: options.signal }, (expiry) =>
        this.#giveUp(what, answer, expiry, timeoutMs, options.signal),
      );
    } catch (error) {
      throw this.#explain(what, error, options.signal);
    }
  }

  /** Cancels on the server and waits a moment for it to take effect, so that nothing is left running behind our back. */
  async #giveUp(
    what: string,
    answer: Promise<unknown>,
    expiry: Expiry,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<never> {
    this.#isUsable = false;
    // `processID` and `secretKey` are the client's own fields, which @types/pg leaves out.
    const { processID, secretKey } = this.client as Client & { processID: number; secretKey: number };
    let problem: unknown;
    try {
      const encryption = this.client.ssl ? 'tls' : 'plain';
      await sendCancelRequest(
        { ...this.server, processId: processID, secretKey },
        encryption,
        CANCEL_GRACE_MS,
      );
      const settled = answer.then(
        () => undefined,
        () => undefined,
      );
      await waitUntil(settled, { timeoutMs: CANCEL_GRACE_MS }, () => Promise.resolve(undefined));
    } catch (error) {
      // Told as the cause below; the connection is cut in any case, which ends the statement at its next output.
      problem = error;
    }
    if (expiry === 'aborted') throw signal?.reason;
    const message = `${what} gave no answer within ${String(timeoutMs)} ms`;
    throw new ControlConnectionError(this.server.target, 'timeout', message, { cause: problem });
  }

  #explain(what: string, error: unknown, signal: AbortSignal | undefined): unknown {
    if (error instanceof ControlConnectionError || (signal?.aborted === true && error === signal.reason))
      return error;
    if (error instanceof DatabaseError && error.code !== undefined && !endsConnection.test(error.code)) {
      return new ControlQueryError(what, this.server.target, error.code, error.message, { cause: error });
    }
    this.#isUsable = false;
    const reason = error instanceof Error ? error.message : String(error);
    return new ControlConnectionError(
      this.server.target,
      'lost',
      `connection lost during ${what}: ${reason}`,
      {
        cause: error,
      },
    );
  }
}
