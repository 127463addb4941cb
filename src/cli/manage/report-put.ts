import type { PutReport } from '../../cache/transfer/put-content';
import { TransferIncompleteError } from '../../errors/transfer-incomplete-error';

/** Says what was put; throws TransferIncompleteError if something could not be. */
export function reportPut({ put, refused }: PutReport, way: string): void {
  process.stdout.write(`${put} entries ${way}\n`);
  if (refused.length === 0) return;
  const reasons = refused.map(({ entry, reason }) => `  ${entry.fragment.hash}: ${reason}`);
  throw new TransferIncompleteError(
    `${refused.length} entries could not be kept there:\n${reasons.join('\n')}`,
  );
}
