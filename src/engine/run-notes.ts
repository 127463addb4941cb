import { guardSqlState } from '../freshness/fresh-keys';
import type { CandidateStatement } from './candidate-statement';
import { hiddenStatementLost, type Completion } from './engine';
import type { EngineLog } from './engine-events';
import type { Experience } from './experience';
import type { Guards } from './guards';
import { keptShareOf } from './kept-share';
import type { RewriteMemo } from './restrictor';
import type { StatementLog } from './statement-log';
import { ShapeStatistics } from './statistics/shape-statistics';
import type { UsageNotes } from './usage-notes';

export interface RunNotesOptions {
  readonly experience: Experience;
  readonly guards: Guards;
  readonly usage: UsageNotes;
  readonly log: EngineLog;
  readonly statementLog: StatementLog;
  /** Default: new ones. */
  readonly statistics?: ShapeStatistics | undefined;
}

/** Notes how executions went: by that, forms are preferred, left for a while, or given up. */
export class RunNotes {
  readonly statistics: ShapeStatistics;

  constructor(private readonly options: RunNotesOptions) {
    this.statistics = options.statistics ?? new ShapeStatistics();
  }

  /** An execution is over; to be told of each once. */
  noted(statement: CandidateStatement, completion: Completion): void {
    const savedMs = this.statistics.note(statement, completion);
    this.options.statementLog.noted(statement, completion, savedMs);
    if (completion.outcome === 'fellBack') this.#fellBack(statement, completion);
    else if (completion.outcome === 'complete' && completion.isTimed && statement.isMeasured)
      this.#measured(statement, completion, savedMs);
  }

  /** A restricted form was given up, and the original run in its place. */
  #fellBack({ experience: fingerprint }: CandidateStatement, { plan, givenUpFor: reason }: Completion): void {
    const { experience, guards, log } = this.options;
    const nowMs = performance.now();
    if (reason === hiddenStatementLost) return;
    if (reason === guardSqlState && plan.kind === 'rewrite') {
      guards.failed(fingerprint, (plan.memo as RewriteMemo).exact, nowMs);
      return;
    }
    const blockMs = experience.block(fingerprint, nowMs);
    if (blockMs === undefined) return;
    const fields = { fingerprint, reason, blockMs };
    log.warn(fields, 'a restricted statement failed where the original did not; not restricted');
  }

  /** One execution's own time; and by how much less it is than the shape takes as it comes, if that is known. */
  #measured(
    { experience: fingerprint }: CandidateStatement,
    { plan, elapsedMs }: Completion,
    savedMs: number | undefined,
  ): void {
    const { experience, guards, usage, log } = this.options;
    if (plan.kind === 'forward') {
      experience.noteDirect(fingerprint, elapsedMs);
      return;
    }
    const { form, ways, entries } = plan.memo as RewriteMemo;
    const { candidates, forms, isForced } = ways;
    if (form.isGuarded) guards.passed(fingerprint);
    const keptShare = keptShareOf(plan.restriction);
    experience.noteRestricted(fingerprint, form, candidates?.forms ?? forms, {
      elapsedMs,
      keptShare,
      isForced,
    });
    if (savedMs !== undefined) usage.saved(entries, savedMs);
    const fields = { fingerprint, ...plan.restriction, elapsedMs, savedMs };
    log.debug(fields, 'statement restricted');
  }
}
