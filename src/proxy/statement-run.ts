import {
  type BoundParameters,
  type Completion,
  type ForwardPlan,
  type InspectedStatement,
  type RewritePlan,
} from '../engine/engine';
import { type SessionContext } from '../engine/session-context';

/** What was decided for one execution of a candidate statement, and what it was decided from. */
export interface Decision {
  readonly protocol: 'simple' | 'extended';
  readonly statement: InspectedStatement;
  readonly parameters: BoundParameters | undefined;
  readonly plan: ForwardPlan | RewritePlan;
  readonly context: SessionContext | undefined;
  readonly isContextCertain: boolean;
}

/**
 * One execution of a candidate statement, from its being sent to its CommandComplete. A portal with a row limit is
 * executed in parts; only the time the server works on them counts. Times are of performance.now, handed in.
 */
export class StatementRun {
  isReported = false;
  private elapsedMs = 0;
  private startedAt: number | undefined;

  constructor(readonly decision: Decision) {}

  get statement(): InspectedStatement {
    return this.decision.statement;
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

  completion(outcome: Completion['outcome']): Completion {
    const { statement, parameters, plan, context, isContextCertain } = this.decision;
    return {
      statement,
      plan,
      elapsedMs: this.elapsedMs,
      outcome,
      context,
      isContextCertain,
      ...(parameters === undefined ? {} : { parameters }),
    };
  }
}
