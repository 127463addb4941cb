import { redact } from '../../query/ast/redact';
import type { CandidateStatement } from '../candidate-statement';
import type { Completion } from '../engine';
import type { ShapeFigures, StatementTotals } from './shape-figures';
import { outcomeOf, ShapeRecord } from './shape-record';

/** Characters of text that are kept of one shape, and of all. */
const maxTextLength = 2_000;
const maxTextLengths = 2_000_000;
const defaultMaxShapes = 2_000;
/** How many go when there is room for no more: sorting them takes time, so it is not done for each new one. */
const shareDropped = 0.1;

/**
 * What became of the candidates of one database, by statement shape. Bounded: when there is room for no more, a tenth of the
 * shapes is dropped, beginning with those that saved (or lost) least, of equal ones the one that was not used for longest. A flood
 * of new shapes displaces itself, not those that matter. The totals go on counting.
 *
 * On the data path: for a shape that is known, a look-up and some additions.
 */
export class ShapeStatistics {
  readonly #shapes = new Map<string, ShapeRecord>();
  #textLength = 0;
  #executions = 0;
  readonly #totals = {
    hits: 0,
    partials: 0,
    misses: 0,
    bypasses: 0,
    fallbacks: 0,
    failures: 0,
    savedMs: 0,
    lostMs: 0,
  };

  constructor(private readonly maxShapes = defaultMaxShapes) {}

  /**
   * Notes an execution, once.
   *
   * @returns how much less it took than the shape does as it comes, in milliseconds; undefined if that cannot be told
   */
  note(statement: CandidateStatement, completion: Completion): number | undefined {
    const { plan, outcome, givenUpFor } = completion;
    const record = this.#of(statement);
    record.usedAt = ++this.#executions;
    const counted = outcomeOf(plan, givenUpFor !== undefined);
    record[counted]++;
    this.#totals[counted]++;
    if (outcome === 'failed') {
      record.failures++;
      this.#totals.failures++;
    }
    if (plan.kind === 'forward') record.lastReason = plan.reason;
    else if (givenUpFor !== undefined) record.lastReason = `given up: ${givenUpFor}`;
    return outcome !== 'failed' && completion.isTimed && statement.isMeasured
      ? this.#time(record, completion)
      : undefined;
  }

  /** In no order. */
  shapes(): readonly ShapeFigures[] {
    return [...this.#shapes.values()].map((record) => record.figures());
  }

  get totals(): StatementTotals {
    return { ...this.#totals };
  }

  #time(record: ShapeRecord, { plan, outcome, elapsedMs }: Completion): number | undefined {
    if (plan.kind === 'forward') {
      record.direct.note(elapsedMs);
      return undefined;
    }
    const savedMs = outcome === 'complete' ? this.#gain(record, elapsedMs) : -elapsedMs;
    if (savedMs === undefined) return undefined;
    record.savedMs += savedMs;
    if (savedMs >= 0) this.#totals.savedMs += savedMs;
    else this.#totals.lostMs -= savedMs;
    return savedMs;
  }

  #gain({ direct, restricted }: ShapeRecord, elapsedMs: number): number | undefined {
    restricted.note(elapsedMs);
    return direct.medianMs === undefined ? undefined : direct.medianMs - elapsedMs;
  }

  #of(statement: CandidateStatement): ShapeRecord {
    const known = this.#shapes.get(statement.fingerprint);
    if (known !== undefined) return known;
    const record = new ShapeRecord(statement.fingerprint, redact(statement.tokens, maxTextLength));
    if (this.#shapes.size >= this.maxShapes || this.#textLength > maxTextLengths) this.#dropSome();
    this.#shapes.set(record.fingerprint, record);
    this.#textLength += record.text.length;
    return record;
  }

  #dropSome(): void {
    const byWorth = [...this.#shapes.values()].sort(
      (a, b) => Math.abs(a.savedMs) - Math.abs(b.savedMs) || a.usedAt - b.usedAt,
    );
    for (const { fingerprint, text } of byWorth.slice(0, Math.ceil(this.#shapes.size * shareDropped))) {
      this.#shapes.delete(fingerprint);
      this.#textLength -= text.length;
    }
  }
}
