import { type Completion, type Engine, type RewritePlan } from '../../engine/engine';
import { keptShareOf } from '../../engine/kept-share';
import { type SessionContext } from '../../engine/session-context';
import { type OriginalRun } from '../hidden/original-run';
import { type ProxyEvents, type StatementFinished } from '../proxy-events';
import { type ProxyLog } from '../proxy-log';
import { type StatementRun } from './statement-run';

type EngineOperation = Parameters<ProxyEvents['engineFailed']>[0];

/** Whom to tell. */
export interface ReportsOptions {
  readonly database: string;
  readonly engine: Engine;
  readonly events: ProxyEvents;
  readonly log: ProxyLog;
}

/** Tells the engine and the metrics how runs of candidates went, each once. */
export class RunReports {
  /** A finished run the engine would learn from if the context were known. */
  wantsContext: StatementRun | undefined;

  constructor(private readonly options: ReportsOptions) {}

  /** The run is over. */
  report(run: StatementRun, outcome: 'complete' | 'failed', lastReplyAt: number): void {
    if (run.isReported) return;
    run.isReported = true;
    run.partDone(performance.now(), lastReplyAt);
    this.tell(run, outcome, run.completion(outcome));
  }

  /** The restricted form is given up: nothing is said until it is known what becomes of the original. */
  giveUp(run: StatementRun, lastReplyAt: number): void {
    run.isReported = true;
    run.partDone(performance.now(), lastReplyAt);
  }

  /**
   * The original, run instead, is over. Only if it went through was it the restriction that failed; otherwise the client has
   * its error from the original, and nothing speaks against restricting the next one.
   */
  originalDone(original: OriginalRun, hasSucceeded: boolean): void {
    if (original.isReported) return;
    original.isReported = true;
    const { run, givenUpFor } = original;
    this.tell(run, 'fellBack', run.completion(hasSucceeded ? 'fellBack' : 'failed', { givenUpFor }));
  }

  /** Reports a run once more, now that the context is known. */
  reportAgain(run: StatementRun, context: SessionContext | undefined, isContextCertain: boolean): void {
    this.wantsContext = undefined;
    const completion = run.completion('complete', { context, isContextCertain, isRepeated: true });
    this.guard('completed', () => void this.options.engine.completed(completion));
  }

  /** Calls the engine; an exception is counted and logged, and undefined returned (rule S11). */
  guard<T>(operation: EngineOperation, call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.engineFailed(operation, error);
      return undefined;
    }
  }

  engineFailed(operation: EngineOperation, error: unknown): void {
    const { database, events, log } = this.options;
    events.engineFailed(operation);
    log.warn({ err: error, operation, database }, 'the engine failed; the statement was forwarded unchanged');
  }

  private tell(run: StatementRun, outcome: 'complete' | 'failed' | 'fellBack', completion: Completion): void {
    const { plan, candidate } = run;
    const { database, events } = this.options;
    events.statementFinished({
      database,
      protocol: candidate.protocol,
      plan: plan.kind,
      reason: plan.kind === 'forward' ? plan.reason : undefined,
      outcome,
      elapsedMs: completion.elapsedMs,
      blocks: plan.blocks,
      isKeptText: run.isKeptText,
      ...(plan.kind === 'rewrite' ? told(plan) : {}),
    });
    if (plan.kind === 'rewrite' && plan.restriction.lacksTables) events.keyTables('unfit');
    this.wantsContext = undefined;
    this.guard('completed', () => {
      if (this.options.engine.completed(completion).wantsContext) this.wantsContext = run;
    });
  }
}

/** What metrics want to know of a rewrite. */
function told({
  coverage,
  restriction,
}: RewritePlan): Pick<StatementFinished, 'coverage' | 'method' | 'keysKeptShare'> {
  return { coverage, method: restriction.method, keysKeptShare: keptShareOf(restriction) };
}
