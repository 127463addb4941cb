import type { DatabaseKeyHeat } from '../statistics/key-statistics';
import type { DatabaseStatements } from '../statistics/statement-statistics';
import type { MetricReport } from './aggregate';

/** What one process has counted. */
export interface ProcessReport {
  /** Without those of which only one process is asked. */
  readonly metrics: readonly MetricReport[];
  readonly statements: readonly DatabaseStatements[];
  readonly keys: readonly DatabaseKeyHeat[];
}

/** Processes that do this one's work with it, and whose figures are shown with its own. */
export interface OtherProcesses {
  /** As last reported; of those that have ended as well, what they counted. */
  readonly reports: readonly ProcessReport[];
  /**
   * Asks them all. Resolves when they have answered, or have not within a moment; never rejects.
   *
   * @param isThorough also for shapes of statements, and keys
   */
  refresh(isThorough: boolean): Promise<void>;
}
