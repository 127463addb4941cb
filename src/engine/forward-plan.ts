import { blocksLeftAlone, type BlockOutcome } from './block-outcomes';
import type { ForwardPlan } from './engine';
import type { Reading } from './reading';

/** A statement goes as it came. */
export function forward(reason: string, blocks?: readonly BlockOutcome[]): ForwardPlan {
  return blocks === undefined ? { kind: 'forward', reason } : { kind: 'forward', reason, blocks };
}

/** A statement that was read goes as it came, with each of its blocks. */
export function leave({ reading }: { readonly reading: Reading }, reason: string): ForwardPlan {
  return forward(reason, blocksLeftAlone(reading, reason));
}
