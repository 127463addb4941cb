/**
 * How statements that differ in constants only have fared. The engine's ShapeFigures, which say what each figure promises, in the
 * shape of them without importing it: ops stands beside.
 */
export interface StatementShape {
  readonly fingerprint: string;
  /** With `$n` for constants. */
  readonly text: string;
  readonly calls: number;
  readonly hits: number;
  readonly partials: number;
  readonly misses: number;
  readonly bypasses: number;
  readonly fallbacks: number;
  readonly failures: number;
  readonly directRuns: number;
  readonly directMs: number | undefined;
  readonly totalDirectMs: number;
  readonly restrictedRuns: number;
  readonly restrictedMs: number | undefined;
  readonly totalRestrictedMs: number;
  readonly savedMs: number;
  readonly lastReason: string | undefined;
}

/** Of all statements of a database that might have been restricted, in milliseconds. What was saved in all is the difference. */
export interface TimeSaved {
  readonly savedMs: number;
  readonly lostMs: number;
}

/** What became of the statements of a database that might have been restricted. */
export interface StatementTotals extends TimeSaved {
  readonly hits: number;
  readonly partials: number;
  readonly misses: number;
  readonly bypasses: number;
  readonly fallbacks: number;
  readonly failures: number;
}

const nothing: StatementTotals = {
  ...{ hits: 0, partials: 0, misses: 0, bypasses: 0, fallbacks: 0, failures: 0 },
  ...{ savedMs: 0, lostMs: 0 },
};

/** Where the figures of one database are read. */
export interface StatementSource {
  readonly totals: StatementTotals;
  /** In no order; there may be thousands. */
  shapes(): readonly StatementShape[];
}

/** A shape, and the database its statements ran in. */
export interface DatabaseShape extends StatementShape {
  readonly database: string;
}

/** What is known of statements, read when somebody looks: console, page and scrape. */
export class StatementStatistics {
  readonly #sources = new Map<string, StatementSource>();

  /** Until the answer is disposed of. */
  watch(database: string, source: StatementSource): AsyncDisposable {
    this.#sources.set(database, source);
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#sources.get(database) === source) this.#sources.delete(database);
      },
    };
  }

  /** All databases' together. */
  get timeSaved(): TimeSaved {
    const totals = [...this.#sources.values()].map((source) => source.totals);
    return {
      savedMs: totals.reduce((sum, { savedMs }) => sum + savedMs, 0),
      lostMs: totals.reduce((sum, { lostMs }) => sum + lostMs, 0),
    };
  }

  /** Of one database; all are 0 if there is none of the name. */
  totalsOf(database: string): StatementTotals {
    return this.#sources.get(database)?.totals ?? nothing;
  }

  /** The shapes of all databases, or of one; those that saved most first, and of those that saved nothing the slowest first. */
  shapes(database?: string): readonly DatabaseShape[] {
    return [...this.#sources]
      .filter(([name]) => database === undefined || name === database)
      .flatMap(([name, source]) => source.shapes().map((shape) => ({ database: name, ...shape })))
      .sort((a, b) => b.savedMs - a.savedMs || b.totalDirectMs - a.totalDirectMs || b.calls - a.calls);
  }
}
