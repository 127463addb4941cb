import { type InspectedStatement } from '../../engine/engine';
import { type StatementRun } from '../scan/statement-run';

/** The client's own statement, run unseen after its restricted form was given up (rule S12). */
export class OriginalRun implements InspectedStatement {
  isReported = false;

  /**
   * @param run the run of the restricted form
   * @param givenUpFor see `Completion.givenUpFor`
   */
  constructor(
    readonly run: StatementRun,
    readonly givenUpFor: string,
  ) {}

  get text(): string {
    return this.run.statement.text;
  }

  get isCandidate(): boolean {
    return this.run.statement.isCandidate;
  }

  get leavesContextAlone(): boolean {
    return this.run.statement.leavesContextAlone;
  }
}
