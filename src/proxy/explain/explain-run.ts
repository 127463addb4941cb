import { type InspectedStatement } from '../../engine/engine';
import { encodeDataRow } from '../../wire/backend/data-row';
import { encodePortalSuspended } from '../../wire/backend/portal-suspended';
import { type ExplainReply } from './explain-reply';

/**
 * A text with `EXPLAIN (PCACHE)` in it that was sent to the server without the option: a portal, or a simple query with any
 * number of statements.
 */
export class ExplainRun implements InspectedStatement {
  readonly isCandidate = false;
  /** Statements of the text that are done. */
  private done = 0;
  /** Rows of the portal that were not sent yet, once the server has said all there is. */
  private rows: readonly Buffer[] | undefined;
  private row: Buffer[] = [];

  /** @param replies by the place of the statement in the text */
  constructor(
    private readonly statement: InspectedStatement,
    private readonly replies: ReadonlyMap<number, ExplainReply>,
  ) {}

  get text(): string {
    return this.statement.text;
  }

  get leavesContextAlone(): boolean {
    return this.statement.leavesContextAlone;
  }

  /** Whether the statement the server is at is one that we answer. */
  get isAnswered(): boolean {
    return this.replies.has(this.done);
  }

  /** A piece of a DataRow of the server's. */
  takeRow(buffer: Buffer, start: number, end: number, isLast: boolean): void {
    this.row.push(Buffer.from(buffer.subarray(start, end)));
    if (!isLast) return;
    const frame = Buffer.concat(this.row);
    this.row = [];
    // Header, number of columns, length of the only one.
    this.replies.get(this.done)?.takeRow(frame.subarray(rowHeaderBytes));
  }

  /**
   * The server's CommandComplete came for a simple query's statement.
   *
   * @returns what goes out in its place; undefined if that is itself
   */
  statementDone(complete: Buffer): Buffer | undefined {
    const reply = this.replies.get(this.done);
    this.done++;
    return reply === undefined ? undefined : Buffer.concat([...reply.rows().map(rowOf), complete]);
  }

  /** The same for an execution of the portal with a limit of rows, 0 for all of them. */
  executionDone(complete: Buffer, maxRows: number): Buffer {
    this.rows ??= this.replies.get(0)?.rows() ?? [];
    const part = maxRows === 0 ? this.rows : this.rows.slice(0, maxRows);
    this.rows = this.rows.slice(part.length);
    // As PortalRunSelect in src/backend/tcop/pquery.c: that there are no more rows is found when one more is wanted.
    const isSuspended = maxRows > 0 && part.length === maxRows;
    return Buffer.concat([...part.map(rowOf), isSuspended ? encodePortalSuspended() : complete]);
  }
}

/** What the server owes for a text of ExplainRun: the reply to a Query, or to one Execute of its portal. */
export class ExplainExecution implements InspectedStatement {
  readonly isCandidate = false;

  /** @param maxRows of the client's Execute; the server was asked for all rows. 0: all, or a Query */
  constructor(
    readonly run: ExplainRun,
    readonly maxRows: number,
  ) {}

  get text(): string {
    return this.run.text;
  }

  get leavesContextAlone(): boolean {
    return this.run.leavesContextAlone;
  }
}

const rowHeaderBytes = 5 + 2 + 4;

function rowOf(value: Buffer): Buffer {
  return encodeDataRow({ values: [value] });
}
