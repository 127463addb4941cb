import { blocksOf } from '../query/analysis/blocks';
import type { AnalysedBlock } from '../query/analysis/analyse';
import type { Reading } from './reading';

/** What became of one block of a statement. */
export interface BlockOutcome {
  /** Byte offset of something in the block; undefined for `TABLE place`, which has nothing but a name. */
  readonly location: number | undefined;
  /** Why it is left as it is, from the closed list of ops/metrics/forward-reasons.ts; undefined: it is restricted. */
  readonly reason: string | undefined;
}

/** Outcomes of statements that are left as they are, by reading and reason: the same ones are asked for at each execution. */
const known = new WeakMap<Reading, Map<string, readonly BlockOutcome[]>>();

/** The blocks of a statement that is left as it is. A block that could not be restricted anyway has its own reason. */
export function blocksLeftAlone(reading: Reading, reason: string): readonly BlockOutcome[] {
  const byReason = known.get(reading) ?? new Map<string, readonly BlockOutcome[]>();
  known.set(reading, byReason);
  const outcomes = byReason.get(reason) ?? blockOutcomes(reading, () => reason);
  byReason.set(reason, outcomes);
  return outcomes;
}

/** The blocks of a statement; `reasonOf` is asked about those that may be restricted. */
export function blockOutcomes(
  { statement, analysis }: Reading,
  reasonOf: (block: AnalysedBlock) => string | undefined,
): readonly BlockOutcome[] {
  if ('refused' in analysis) {
    const reason = analysis.refused;
    return statement.statements.flatMap(blocksOf).map(({ location }) => ({ location, reason }));
  }
  return [
    ...analysis.blocks.map((block) => ({ location: block.block.location, reason: reasonOf(block) })),
    ...analysis.leftAlone,
  ];
}
