import {
  type BoundParameters,
  type Completion,
  type ForwardPlan,
  type InspectedStatement,
  type RewritePlan,
} from '../../engine/engine';
import { type SessionContext } from '../../engine/session-context';
import { type Candidate } from './candidate';

/**
 * One execution of a candidate statement, from its being sent to its CommandComplete. A portal with a row limit is
 * executed in parts; only the time the server works on them counts. Times are of performance.now, handed in.
 */
export class StatementRun {
  isReported = false;
  /** Whether the time from sending it to its reply is its own. */
  isTimed = true;
  /** Of a text: whether it is sent as a hidden statement's, see TextKeeper. */
  isKeptText = false;
  private elapsedMs = 0;
  private startedAt: number | undefined;

  /** @param context what the plan was made from, with `isContextCertain` */
  constructor(
    readonly candidate: Candidate,
    readonly plan: ForwardPlan | RewritePlan,
    readonly context: SessionContext | undefined,
    readonly isContextCertain: boolean,
  ) {}

  get statement(): InspectedStatement {
    return this.candidate.statement;
  }

  /** What was done for it before took this long, in milliseconds. */
  prepared(ms: number): void {
    this.elapsedMs += ms;
  }

  /** A part was sent. */
  started(now: number): void {
    this.startedAt ??= now;
  }

  /**
   * A part is done. `previousReplyAt` is when the server was done with what was sent before it: pipelined behind that,
   * the part has waited until then.
   */
  partDone(now: number, previousReplyAt: number): void {
    if (this.startedAt === undefined) return;
    this.elapsedMs += now - Math.max(this.startedAt, previousReplyAt);
    this.startedAt = undefined;
  }

  /** What to tell the engine; by default with the context the plan was made from. */
  completion(
    outcome: Completion['outcome'],
    {
      context = this.context,
      isContextCertain = this.isContextCertain,
      givenUpFor,
      isRepeated = false,
    }: CompletionExtras = {},
  ): Completion {
    return new RunCompletion(
      this,
      this.elapsedMs,
      outcome,
      context,
      isContextCertain,
      givenUpFor,
      isRepeated,
    );
  }
}

interface CompletionExtras {
  readonly context?: SessionContext | undefined;
  readonly isContextCertain?: boolean;
  readonly givenUpFor?: string;
  readonly isRepeated?: boolean;
}

/** The values of a fast execution are of no interest, and are not decoded. */
class RunCompletion implements Completion {
  constructor(
    private readonly run: StatementRun,
    readonly elapsedMs: number,
    readonly outcome: Completion['outcome'],
    readonly context: SessionContext | undefined,
    readonly isContextCertain: boolean,
    readonly givenUpFor: string | undefined,
    readonly isRepeated: boolean,
  ) {}

  get statement(): InspectedStatement {
    return this.run.statement;
  }

  get isTimed(): boolean {
    return this.run.isTimed;
  }

  get plan(): ForwardPlan | RewritePlan {
    return this.run.plan;
  }

  get parameters(): BoundParameters | undefined {
    return this.run.candidate.parameters;
  }
}
