import type { FinishedRun, PopulationEvents, SkipReason } from '../../src/population/population-events';
import type { Fragment } from '../../src/query/fragment/fragment';

/** Population's events, kept in order. */
export class RecordedPopulation implements PopulationEvents {
  readonly starts: Fragment[] = [];
  readonly runs: FinishedRun[] = [];
  readonly skips: { readonly fragment: Fragment; readonly reason: SkipReason }[] = [];
  readonly troubles: { readonly message: string; readonly error: unknown }[] = [];

  started(fragment: Fragment): void {
    this.starts.push(fragment);
  }

  finished(run: FinishedRun): void {
    this.runs.push(run);
  }

  skipped(fragment: Fragment, reason: SkipReason): void {
    this.skips.push({ fragment, reason });
  }

  trouble(message: string, error: unknown): void {
    this.troubles.push({ message, error });
  }
}
