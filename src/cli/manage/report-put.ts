import type { PutReport } from '../../cache/transfer/put-content';
import { TransferIncompleteError } from '../../errors/transfer-incomplete-error';
import { type JsonFlag, tell } from '../output';

/** Says what was put; throws TransferIncompleteError if something could not be. */
export function reportPut(
  flags: JsonFlag,
  { put, refused }: PutReport,
  { from, to }: { readonly from: string; readonly to: string },
): void {
  const refusals = refused.map(({ entry: { fragment }, reason }) => ({ hash: fragment.hash, reason }));
  tell(flags, { from, to, entries: put, refused: refusals }, `${put} entries from ${from} to ${to}`);
  if (refused.length === 0) return;
  const reasons = refusals.map(({ hash, reason }) => `  ${hash}: ${reason}`);
  throw new TransferIncompleteError(
    `${refused.length} entries could not be kept there:\n${reasons.join('\n')}`,
  );
}
