import { Duplex } from 'node:stream';
import { PgError, protocolViolation, SqlState } from '../../errors/pg-error';
import type { ConsoleCommand, ConsoleResult } from '../../ops/console/console-command';
import { encodeCommandComplete } from '../../wire/backend/command-complete';
import { encodePgError } from '../../wire/backend/error-response';
import { encodeParameterDescription } from '../../wire/backend/parameter-description';
import { encodeReadyForQuery } from '../../wire/backend/ready-for-query';
import { FrameReader, FrameStep } from '../../wire/frame-reader';
import { frontendTreatments } from '../../wire/frame-treatments';
import { decodeBind } from '../../wire/frontend/bind';
import { decodeClose } from '../../wire/frontend/close';
import { decodeDescribe } from '../../wire/frontend/describe';
import { decodeExecute } from '../../wire/frontend/execute';
import { decodeParse } from '../../wire/frontend/parse';
import { decodeQuery } from '../../wire/frontend/query';
import { BackendCode, FrontendCode } from '../../wire/message-code';
import { encodeMessage } from '../../wire/message-writer';
import type { TransactionStatus } from '../../wire/transaction-status';
import type { ProxyLog } from '../proxy-log';
import { internalError } from '../session/session-errors';
import { ConsolePortals } from './console-portals';
import { describeColumns, encodeRow } from './encode-row';

export interface ConsoleServerOptions {
  /** Reads the commands of a text, one at a time; throws PgError. */
  readonly read: (text: string) => Iterable<ConsoleCommand>;
  readonly log: ProxyLog;
}

/** Commands are short; EXPLAIN takes a statement. */
const maxMessageBytes = 256 * 1024;
/** Replies are handed on in pieces of about this size, each when the one before has been taken. */
const pieceBytes = 64 * 1024;

const parseComplete = encodeMessage(BackendCode.ParseComplete);
const bindComplete = encodeMessage(BackendCode.BindComplete);
const closeComplete = encodeMessage(BackendCode.CloseComplete);
const noData = encodeMessage(BackendCode.NoData);
const portalSuspended = encodeMessage(BackendCode.PortalSuspended);
const emptyQueryResponse = encodeMessage(BackendCode.EmptyQueryResponse);

/**
 * The console's side of a session, from after the log-in: messages of a client are written to it, those of a server are read from it. So it
 * stands where the connection to a server does, and sessions need not know the difference.
 *
 * One message is dealt with at a time, and none while a reply waits to be read: a client that does not read holds up nobody but itself.
 */
export class ConsoleServer extends Duplex {
  readonly #reader = new FrameReader(frontendTreatments(), maxMessageBytes, 'frontend');
  readonly #portals = new ConsolePortals();
  readonly #log: ProxyLog;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #status: TransactionStatus = 'idle';
  /** After an error in the extended protocol, until Sync. */
  #isSkipping = false;
  #running = new AbortController();
  /** Nothing more is said. */
  #isOver = false;
  #whenRead: (() => void) | undefined;

  constructor(private readonly options: ConsoleServerOptions) {
    super({ allowHalfOpen: false });
    this.#log = options.log;
    this.#ready();
    this.push(this.#takePending());
  }

  /** Interrupts the command that is running, if it can be. */
  cancel(): void {
    this.#running.abort();
  }

  override _read(): void {
    const resume = this.#whenRead;
    this.#whenRead = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error) => void): void {
    this.#take(chunk).then(
      () => done(),
      (error: unknown) => {
        this.#fatal(error);
        done();
      },
    );
  }

  override _final(done: (error?: Error) => void): void {
    this.#end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#running.abort();
    this.#whenRead?.();
    done(error);
  }

  async #take(chunk: Buffer): Promise<void> {
    const reader = this.#reader;
    // What follows a Terminate, or an error that ends it all.
    if (this.#isOver || this.destroyed) return;
    // The chunk is the sender's, who may use it again: but not before this is done.
    reader.feed(chunk);
    for (let step = reader.next(); step !== FrameStep.None; step = reader.next()) {
      const { code, buffer, start, end, frameBytes } = reader;
      if (code === FrontendCode.Terminate) {
        this.#end();
        return;
      }
      if (frameBytes > maxMessageBytes)
        throw new PgError(SqlState.ProgramLimitExceeded, 'message too large', {
          severity: 'FATAL',
          detail: `The console takes ${maxMessageBytes} bytes.`,
        });
      if (step !== FrameStep.Whole) this.#other(code, reader.isLast);
      else await this.#message(code, buffer.subarray(start + 5, end));
      await this.#sendIfMuch();
      if (this.#isGone()) return;
    }
    await this.#send();
  }

  /** Messages that nothing is done with. */
  #other(code: number, isLast: boolean): void {
    if (code === FrontendCode.Password) throw protocolViolation('unexpected message of authentication');
    if (code !== FrontendCode.FunctionCall || !isLast) return;
    this.#failed(new PgError(SqlState.FeatureNotSupported, 'the console calls no functions'));
    this.#ready();
  }

  async #message(code: number, body: Buffer): Promise<void> {
    if (code === FrontendCode.Query) return this.#query(decodeQuery(body).query);
    if (code === FrontendCode.Sync) this.#sync();
    if (code === FrontendCode.Sync || this.#isSkipping) return;
    try {
      await this.#extended(code, body);
    } catch (error) {
      this.#isSkipping = true;
      this.#failed(error);
    }
  }

  async #query(text: string): Promise<void> {
    this.#isSkipping = false;
    let isEmpty = true;
    try {
      for (const command of this.options.read(text)) {
        isEmpty = false;
        const { rows, tag } = await this.#run(command);
        const { columns } = command;
        if (columns !== undefined) this.#add(describeColumns(columns, []));
        for (const row of rows) {
          this.#add(encodeRow(columns ?? [], [], row));
          await this.#sendIfMuch();
        }
        this.#add(encodeCommandComplete({ tag }));
      }
      if (isEmpty) this.#add(emptyQueryResponse);
    } catch (error) {
      this.#failed(error);
    }
    this.#portals.close('portal', '');
    this.#ready();
  }

  #sync(): void {
    this.#isSkipping = false;
    if (this.#status === 'idle') this.#portals.closePortals();
    this.#ready();
  }

  async #extended(code: number, body: Buffer): Promise<void> {
    const portals = this.#portals;
    switch (code) {
      case FrontendCode.Parse:
        portals.parse(decodeParse(body), this.options.read);
        this.#add(parseComplete);
        return;
      case FrontendCode.Bind:
        portals.bind(decodeBind(body));
        this.#add(bindComplete);
        return;
      case FrontendCode.Describe: {
        const { target, name } = decodeDescribe(body);
        if (target === 'statement') this.#describe(portals.statement(name).command, [], true);
        else this.#describe(portals.portal(name).command, portals.portal(name).formats, false);
        return;
      }
      case FrontendCode.Execute: {
        const { portalName, maxRows } = decodeExecute(body);
        return this.#execute(portalName, maxRows);
      }
      case FrontendCode.Close: {
        const { target, name } = decodeClose(body);
        portals.close(target, name);
        this.#add(closeComplete);
        return;
      }
      case FrontendCode.Flush:
        return this.#send();
      default:
      // COPY is not under way: the server ignores what is left of it.
    }
  }

  #describe(command: ConsoleCommand | undefined, formats: readonly number[], isStatement: boolean): void {
    if (isStatement) this.#add(encodeParameterDescription({ typeOids: [] }));
    const columns = command?.columns;
    this.#add(columns === undefined ? noData : describeColumns(columns, formats));
  }

  async #execute(portalName: string, maxRows: number): Promise<void> {
    const portal = this.#portals.portal(portalName);
    const { command, formats } = portal;
    if (command === undefined) {
      this.#add(emptyQueryResponse);
      return;
    }
    portal.result ??= await this.#run(command);
    const { rows, tag } = portal.result;
    const end = maxRows === 0 ? rows.length : Math.min(rows.length, portal.sent + maxRows);
    while (portal.sent < end) {
      this.#add(encodeRow(command.columns ?? [], formats, rows[portal.sent++] ?? []));
      await this.#sendIfMuch();
    }
    this.#add(portal.sent < rows.length ? portalSuspended : encodeCommandComplete({ tag }));
  }

  async #run(command: ConsoleCommand): Promise<ConsoleResult> {
    const isEnd = command.transaction === 'end';
    if (this.#status === 'failed' && !isEnd)
      throw new PgError(
        SqlState.InFailedSqlTransaction,
        'current transaction is aborted, commands ignored until end of transaction block',
      );
    if (this.#status === 'inTransaction' && command.isForGood === true)
      throw new PgError(SqlState.ActiveSqlTransaction, 'the command cannot run inside a transaction block', {
        hint: 'No ROLLBACK would take it back. Drivers begin a transaction by themselves unless they are told to use autocommit.',
      });
    this.#running = new AbortController();
    const result = await command.run(this.#running.signal);
    if (command.transaction === undefined) return result;
    const hasFailed = this.#status === 'failed';
    this.#status = isEnd ? 'idle' : 'inTransaction';
    return hasFailed ? { rows: [], tag: 'ROLLBACK' } : result;
  }

  #failed(error: unknown): void {
    if (error instanceof PgError && error.severity === 'FATAL') throw error;
    if (this.#status === 'inTransaction') this.#status = 'failed';
    this.#add(encodePgError(this.#shown(error)));
  }

  #shown(error: unknown): PgError {
    if (error instanceof PgError) return error;
    if (this.#running.signal.aborted)
      return new PgError(SqlState.QueryCanceled, 'canceling statement due to user request');
    this.#log.error({ err: error }, 'a command of the console failed');
    return new PgError(SqlState.InternalError, 'internal error of the proxy', {
      hint: 'The log of the proxy says more.',
    });
  }

  /** Says why, and ends the session. */
  #fatal(error: unknown): void {
    if (this.destroyed || this.#isOver) return;
    if (!(error instanceof PgError)) this.#log.error({ err: error }, 'internal error; the console is closed');
    const shown = error instanceof PgError ? error : internalError();
    this.push(Buffer.concat([this.#takePending(), encodePgError(shown)]));
    this.#end();
  }

  /** A method, since it changes while something is waited for. */
  #isGone(): boolean {
    return this.destroyed;
  }

  #end(): void {
    if (!this.#isOver) this.push(null);
    this.#isOver = true;
  }

  #ready(): void {
    this.#add(encodeReadyForQuery({ transactionStatus: this.#status }));
  }

  #add(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  #takePending(): Buffer {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    return bytes;
  }

  async #sendIfMuch(): Promise<void> {
    if (this.#pendingBytes >= pieceBytes) await this.#send();
  }

  /** Resolves when there is room for more. */
  async #send(): Promise<void> {
    if (this.#pendingBytes === 0 || this.destroyed || this.#isOver) return;
    if (this.push(this.#takePending())) return;
    await new Promise<void>((resolve) => (this.#whenRead = resolve));
  }
}
