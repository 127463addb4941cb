import type { ForwardPlan, RewritePlan } from '../engine';
import { RecentTimes } from './recent-times';
import type { OutcomeCounts, ShapeFigures } from './shape-figures';

export type Outcome = keyof OutcomeCounts;

/** The reasons for which a statement goes as it came that more knowledge would remove. */
const missReasons: ReadonlySet<string> = new Set(['miss', 'nothing cached']);

/** Under what an execution counts. The metrics count statements by the same rule. */
export function outcomeOf(plan: ForwardPlan | RewritePlan, isGivenUp: boolean): Outcome {
  if (isGivenUp) return 'fallbacks';
  if (plan.kind === 'rewrite') return plan.coverage === 'partial' ? 'partials' : 'hits';
  return missReasons.has(plan.reason) ? 'misses' : 'bypasses';
}

/** What is gathered of one shape. */
export class ShapeRecord {
  hits = 0;
  partials = 0;
  misses = 0;
  bypasses = 0;
  fallbacks = 0;
  failures = 0;
  savedMs = 0;
  lastReason: string | undefined;
  /** When it was used last, in executions of all shapes. */
  usedAt = 0;
  readonly direct = new RecentTimes();
  readonly restricted = new RecentTimes();

  constructor(
    readonly fingerprint: string,
    readonly text: string,
  ) {}

  figures(): ShapeFigures {
    const { fingerprint, text, hits, partials, misses, bypasses, fallbacks, failures } = this;
    const { direct, restricted, savedMs, lastReason } = this;
    return {
      ...{ fingerprint, text, hits, partials, misses, bypasses, fallbacks, failures, savedMs, lastReason },
      calls: hits + partials + misses + bypasses + fallbacks,
      directRuns: direct.count,
      directMs: direct.medianMs,
      totalDirectMs: direct.totalMs,
      restrictedRuns: restricted.count,
      restrictedMs: restricted.medianMs,
      totalRestrictedMs: restricted.totalMs,
    };
  }
}
