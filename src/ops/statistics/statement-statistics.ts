import { mergeStatements, nothing, sumTotals } from './merge-statements';

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

/** What is known of the statements of one database. */
export interface DatabaseStatements {
  readonly database: string;
  readonly totals: StatementTotals;
  readonly shapes: readonly StatementShape[];
}

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
  #others: () => readonly DatabaseStatements[] = () => [];

  /** Until the answer is disposed of. */
  watch(database: string, source: StatementSource): AsyncDisposable {
    this.#sources.set(database, source);
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#sources.get(database) === source) this.#sources.delete(database);
      },
    };
  }

  /** What other processes know, to be told with what this one does. */
  watchOthers(read: () => readonly DatabaseStatements[]): void {
    this.#others = read;
  }

  /** What this process knows; with shapes only if it is thorough. */
  report(isThorough: boolean): readonly DatabaseStatements[] {
    return [...this.#sources].map(([database, source]) => ({
      database,
      totals: source.totals,
      shapes: isThorough ? source.shapes() : [],
    }));
  }

  /** All databases' together, of this process alone. */
  get ownTimeSaved(): TimeSaved {
    const { savedMs, lostMs } = sumTotals([...this.#sources.values()].map(({ totals }) => totals));
    return { savedMs, lostMs };
  }

  /** All databases' together. */
  get timeSaved(): TimeSaved {
    const { savedMs, lostMs } = sumTotals(
      [...this.#sources.values(), ...this.#others()].map(({ totals }) => totals),
    );
    return { savedMs, lostMs };
  }

  /** Of one database; all are 0 if there is none of the name. */
  totalsOf(database: string): StatementTotals {
    const others = this.#others().filter((each) => each.database === database);
    return sumTotals([this.#sources.get(database)?.totals ?? nothing, ...others.map(({ totals }) => totals)]);
  }

  /** The shapes of all databases, or of one; those that saved most first, and of those that saved nothing the slowest first. */
  shapes(database?: string): readonly DatabaseShape[] {
    return mergeStatements([...this.report(true), ...this.#others()])
      .filter((each) => database === undefined || each.database === database)
      .flatMap((each) => each.shapes.map((shape) => ({ database: each.database, ...shape })))
      .sort((a, b) => b.savedMs - a.savedMs || b.totalDirectMs - a.totalDirectMs || b.calls - a.calls);
  }
}
