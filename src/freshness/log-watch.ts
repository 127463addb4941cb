import { ControlQueryError } from '../errors/control-query-error';
import type { ControlPool } from '../postgres/control-pool';
import { trackingQuery } from './tracking-schema';
import { TransactionClock } from './transaction-clock';

/** What the change logs of a database hold. */
export interface LogState {
  /** Changes in them: those that some entry may not have seen, and those that compaction has not removed yet. */
  readonly changes: number;
  /** How old the oldest change is at least, in milliseconds, as far back as this process has looked; undefined if there is none. */
  readonly oldestMs: number | undefined;
}

/** SQLSTATEs of a schema, or a table in it, that is not there, or may not be read. */
const isNotOurs = /^(3F000|42P01|42501)$/;

/** Looks at the change logs when somebody asks. */
export class LogWatch {
  readonly #clock = new TransactionClock();

  constructor(
    private readonly pool: ControlPool,
    private readonly schema: string,
  ) {}

  /** undefined if changes are not tracked. Rejects as the pool's queries do. */
  async read(): Promise<LogState | undefined> {
    const row = await this.#row();
    if (row === undefined) return undefined;
    const now = performance.now();
    this.#clock.note(BigInt(row.next), now);
    const oldestMs = row.oldest === null ? undefined : this.#clock.ageMs(BigInt(row.oldest), now);
    return { changes: Number(row.changes), oldestMs };
  }

  async #row(): Promise<{ changes: string; oldest: string | null; next: string } | undefined> {
    try {
      const [row] = await this.pool.query<{ changes: string; oldest: string | null; next: string }>(
        trackingQuery('log-state', this.schema),
      );
      return row;
    } catch (error) {
      if (error instanceof ControlQueryError && isNotOurs.test(error.sqlState)) return undefined;
      throw error;
    }
  }
}
