import { positionInOriginal, type PositionUnit } from '../../query/rewrite/insertion';
import { type ResponseFields } from '../../wire/backend/response-fields';
import { movePosition } from '../../wire/backend/response-position';
import { attempt } from './attempt';
import { type StatementRun } from './statement-run';

/**
 * An error or notice of a rewritten statement with its position in the client's text instead of the text that was sent; without
 * a position if it lies in what the proxy added. The other fields are about the client's own words, or about neither text:
 * the internal position and query are those of a function.
 *
 * @returns undefined if the message is right as it is
 */
export function withClientPosition(
  kind: ResponseFields['kind'],
  frame: Buffer,
  start: number,
  end: number,
  { plan, statement }: StatementRun,
  unit: PositionUnit,
): Buffer | undefined {
  if (plan.kind !== 'rewrite' || plan.insertions.length === 0) return undefined;
  return attempt(() =>
    movePosition(kind, frame, start, end, (position) =>
      positionInOriginal(position, statement.text, plan.insertions, unit),
    ),
  );
}
