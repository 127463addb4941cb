import { type InspectedStatement } from '../../engine/engine';
import { HiddenStatement, RunPreparation } from '../hidden/hidden-statement';
import { KeyTableDrop } from '../hidden/key-table-drop';
import { PreparedStatement } from './prepared-statements';
import { StatementRun } from './statement-run';

/** What is executed: a candidate's run, or a statement the engine has no interest in. */
export type Executed = StatementRun | InspectedStatement;
/** What a reply owed is about. */
export type Detail = Executed | PreparedStatement | HiddenStatement | RunPreparation | KeyTableDrop;

/** Whether it is a statement the engine has no interest in, being executed. */
export function isInspected(detail: Detail | undefined): detail is InspectedStatement {
  return (
    detail !== undefined &&
    !(detail instanceof StatementRun) &&
    !(detail instanceof PreparedStatement) &&
    !(detail instanceof HiddenStatement) &&
    !(detail instanceof RunPreparation) &&
    !(detail instanceof KeyTableDrop)
  );
}

/** The statement name a Parse was for. */
export function parsedName(detail: Detail | undefined): string | undefined {
  return detail instanceof PreparedStatement ? detail.name : undefined;
}
