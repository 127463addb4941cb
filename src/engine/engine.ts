import type { BlockOutcome } from './block-outcomes';
import type { Explanation } from './explain/explanation';
import type { Insertion } from '../query/rewrite/insertion';
import type { KeyTable } from '../query/rewrite/key-table';
import type { Method } from '../query/rewrite/method';
import type { ChoiceReason } from './experience';
import type { SessionContext } from './session-context';

/**
 * What the proxy and the library share: statement text and session context in, the statement to send out.
 * One engine per configured database. Nothing here throws for a client's statement: what is not understood is
 * forwarded, with a reason (rule S11).
 */
export interface Engine extends AsyncDisposable {
  /** What a text is, cached by text. Synchronous and cheap: a text naming no tracked table is not even parsed. */
  inspect(text: string): InspectedStatement;

  /** Decides about one execution. Resolves later only if a key set must be fetched from the backend or a shape checked. */
  plan(request: PlanRequest): Plan | Promise<Plan>;

  /** Tells what `plan` would come to and why. Counts as no execution, and as no use of anything. */
  explain(request: PlanRequest): Promise<Explanation>;

  /**
   * Tells how an execution went, so that slow ones are learned from and restrictions that do not pay are dropped.
   * Returns `wantsContext: true` if it would learn from it but the context was not certain: the session then asks
   * the server (while it is idle) and reports once more.
   */
  completed(completion: Completion): { readonly wantsContext: boolean };

  /** DDL went through: what is known of the catalog is read again before anything else is rewritten. */
  catalogChanged(): void;

  /**
   * Whether statements have been restricted lately, or would have been but for the context: a session that begins with a
   * transaction block is then asked for its context before, for inside of a block that may not have been tried.
   */
  readonly isContextWanted: boolean;

  /** The statement that asks a session for its context; `$1` is the name of a prepared statement, or NULL. */
  readonly contextQuery: string;
  /** Reads the one row of `contextQuery`, all columns in text format, in order. */
  readContext(row: readonly (string | null)[]): ReadContext;
}

export interface ReadContext {
  readonly context: SessionContext;
  /** The query text of the prepared statement asked for, or undefined if the server has none of that name. */
  readonly preparedText: string | undefined;
  /** The types of its parameters, if they were asked for. */
  readonly preparedTypes?: readonly number[] | undefined;
}

export interface InspectedStatement {
  readonly text: string;
  /** False: forward the bytes, there is nothing to gain. */
  readonly isCandidate: boolean;
  /**
   * True only for statements known to leave settings, temporary tables and prepared statements as they were. After any
   * other statement the session's context is uncertain until it is asked for again (rule S7).
   */
  readonly leavesContextAlone: boolean;
}

/** The values of a Bind message. */
export interface BoundParameters {
  /** The types the client declared in Parse; 0 or absent: left to the server. */
  readonly declaredOids: readonly number[];
  /** Format codes exactly as in Bind: none, one for all, or one each; 0 text, 1 binary. */
  readonly formats: readonly number[];
  readonly values: readonly (Buffer | null)[];
}

export interface PlanRequest {
  readonly statement: InspectedStatement;
  /** The session's context as last read; undefined if it was never read. */
  readonly context: SessionContext | undefined;
  /** Whether nothing has happened since that could have changed it. */
  readonly isContextCertain: boolean;
  /** Present for the extended protocol. */
  readonly parameters?: BoundParameters | undefined;
  /**
   * Whether the session can hold back the whole reply and run the original unseen if the rewritten form fails (rule S12):
   * outside a transaction block, one statement, nothing else in flight.
   */
  readonly canRetry: boolean;
  /**
   * Whether the session can make temporary tables before the statement and drop them behind it, unseen: outside a transaction
   * block, nothing else in flight. Absent: it cannot.
   */
  readonly canMakeTables?: boolean;
  /** Whether, with `canRetry`, a form may be used that fails when keys have changed. Absent: it may not. */
  readonly canGuard?: boolean;
}

export type Plan =
  | ForwardPlan
  | RewritePlan
  /** There may be something to gain: ask the server for the context and plan again. */
  | { readonly kind: 'needsContext' };

export interface ForwardPlan {
  readonly kind: 'forward';
  readonly reason: string;
  /** What became of each block; undefined if the statement was not looked into. */
  readonly blocks?: readonly BlockOutcome[] | undefined;
  /** For the engine's own use at completion. */
  readonly memo?: unknown;
}

export interface RewritePlan {
  readonly kind: 'rewrite';
  /** The client's text with restrictions spliced in; parameters keep their numbers. */
  readonly text: string;
  /** What was spliced in, in order of the places: positions in the server's messages are mapped back by it. */
  readonly insertions: readonly Insertion[];
  /** What became of each block. */
  readonly blocks: readonly BlockOutcome[];
  /** The parameter types of the statement, to be declared in the hidden Parse. */
  readonly parameterOids: readonly number[];
  /** partial: something the statement could be restricted by is not known yet. */
  readonly coverage: 'full' | 'partial';
  /** True: the reply must be held back and the original run unseen on an error (rule S12). */
  readonly mustRetryOnError: boolean;
  /** Whether the statement may be run again when it has failed, before anything of it was seen: an INSERT has drawn values of sequences. */
  readonly mayRunTwice: boolean;
  /** Whether what may fail has not failed once there is a row, so that nothing need be held back any more. */
  readonly isCertainAtFirstRow: boolean;
  /**
   * Present if the session may keep the text prepared for the next execution of a statement that comes as text: what is known of the database. A
   * plan with another one is made anew, even if the text is the same.
   */
  readonly lastsWith?: object;
  /** Temporary tables that have to be there for it; absent if there are none. */
  readonly tables?: readonly KeyTable[];
  /** What was chosen, and why: for the log, for metrics and for whoever asks. */
  readonly restriction: AppliedRestriction;
  readonly memo: unknown;
}

/** How a statement is restricted. */
export interface AppliedRestriction {
  readonly method: Method;
  /** `alias.column` of each column that is. */
  readonly columns: readonly string[];
  /** Whether the keys are constants with a guard, see Form. */
  readonly isGuarded: boolean;
  /** Keys that the most selective of its restrictions lets through. */
  readonly keysKept: number;
  /** All keys there are; undefined if that is not known. */
  readonly totalKeys: number | undefined;
  /** Whether a temporary table was asked for, and cannot be made for the statement as it is run. */
  readonly lacksTables: boolean;
  /** Why this method and these columns. */
  readonly why: ChoiceReason;
}

/** Given up for: the session's hidden statement could not be run, which speaks against no restriction. */
export const hiddenStatementLost = 'hidden statement lost';

export interface Completion {
  readonly statement: InspectedStatement;
  readonly parameters?: BoundParameters | undefined;
  readonly plan: ForwardPlan | RewritePlan;
  /** From sending the statement to its CommandComplete, in milliseconds. */
  readonly elapsedMs: number;
  /** Whether that time is this execution's alone. False: it was pipelined with others whose replies came together. */
  readonly isTimed: boolean;
  /** failed: the client saw an error. fellBack: the rewritten form was given up, and the original, run instead, went through. */
  readonly outcome: 'complete' | 'failed' | 'fellBack';
  /** Why the rewritten form was given up, if it was: the SQLSTATE of its error, `reply too large`, or `hiddenStatementLost`. */
  readonly givenUpFor?: string | undefined;
  /** True: it was reported before, and is now to be learned from. */
  readonly isRepeated?: boolean;
  readonly context: SessionContext | undefined;
  readonly isContextCertain: boolean;
}
