import type { Directory } from '../../cache/directory';
import type { AnalysedBlock } from '../../query/analysis/analyse';
import type { KeyClass } from '../../query/analysis/key-classes';
import { enumerateFragments } from '../../query/fragment/enumerate';
import type { Fragment } from '../../query/fragment/fragment';
import { blockOutcomes } from '../block-outcomes';
import type { Decision } from '../decision';
import type { ForwardPlan, RewritePlan } from '../engine';
import type { ClassMatch } from '../reading';
import type { BlockExplanation, ClassExplanation, FailedEntry, FragmentExplanation } from './explanation';

export interface KnownOfBlocks {
  readonly directory: Directory;
  readonly retryAt: (entry: FailedEntry) => number | undefined;
  readonly keysKept: (match: ClassMatch) => number | undefined;
  readonly totalKeys: (partitionKey: string) => number | undefined;
}

/** Fragments shown of one class, besides those that hold for it. */
const maxShown = 40;
const maxWords = 60;

/** The blocks of a statement in the order of its text, and what is known for each. `plan` undefined: nothing is. */
export function explainBlocks(
  { reading, matches }: Decision,
  plan: RewritePlan | ForwardPlan | undefined,
  known: KnownOfBlocks,
): readonly BlockExplanation[] {
  const { analysis, statement, context } = reading;
  const text = Buffer.from(statement.text);
  const words = (location: number | undefined): string => wordsAt(text, location);
  const reasons = new Map(plan?.blocks?.map(({ location, reason }) => [location, reason]));
  const fallback = plan?.kind === 'forward' ? plan.reason : plan === undefined ? 'miss' : undefined;
  const outcomes = blockOutcomes(reading, ({ block: { location } }) =>
    reasons.has(location) ? reasons.get(location) : fallback,
  );
  const analysed = new Map<number | undefined, AnalysedBlock>(
    'refused' in analysis ? [] : analysis.blocks.map((block) => [block.block.location, block]),
  );
  const explainClass = (block: AnalysedBlock, keyClass: KeyClass): ClassExplanation => {
    const { name } = keyClass.partitionKey;
    const match = matches.find((each) => each.block === block && each.keyClass === keyClass);
    return {
      partitionKey: name,
      columns: keyClass.members.map(({ table, column }) => `${table.alias}.${column}`),
      keysKept: match === undefined ? undefined : known.keysKept(match),
      totalKeys: known.totalKeys(name),
      fragments: explainFragments(match, enumerateFragments(block, keyClass, context), known),
    };
  };
  return [...outcomes]
    .sort((a, b) => (a.location ?? 0) - (b.location ?? 0))
    .map(({ location, reason }) => {
      const block = analysed.get(location);
      return {
        location,
        words: words(location),
        tables:
          block?.tables.map(({ relation, alias }) => `${relation.schema}.${relation.name} ${alias}`) ?? [],
        reason,
        classes: block?.classes.map((keyClass) => explainClass(block, keyClass)) ?? [],
        leftOut: block?.leftOut ?? [],
      };
    });
}

/** Those that hold, fewest keys first, then those that would be learned and are not known. */
function explainFragments(
  match: ClassMatch | undefined,
  enumerated: readonly Fragment[],
  { directory, retryAt }: KnownOfBlocks,
): readonly FragmentExplanation[] {
  const hits = match?.entries ?? [];
  const known = new Set(hits.map(({ fragment: { hash } }) => hash));
  const misses = enumerated.filter(({ hash }) => !known.has(hash)).slice(0, maxShown);
  return [
    ...hits.map(({ fragment: { hash, sql }, keyCount }) => ({
      hash,
      sql,
      status: 'hit' as const,
      keyCount,
      retryAt: undefined,
    })),
    ...misses.map(({ partitionKey, hash, sql }) => {
      const entry = directory.get(partitionKey, hash);
      const isFailure = entry !== undefined && entry.status !== 'ok';
      const status = entry === undefined ? ('never computed' as const) : statusNames[entry.status];
      const keyCount = entry?.status === 'ok' ? entry.keyCount : undefined;
      return { hash, sql, status, keyCount, retryAt: isFailure ? retryAt(entry) : undefined };
    }),
  ];
}

const statusNames = { ok: 'hit', timeout: 'timeout', too_large: 'too large', failed: 'failed' } as const;

/** The beginning of what stands at a place, on one line. */
function wordsAt(text: Buffer, location: number | undefined): string {
  if (location === undefined) return '';
  const [words = ''] = text.toString('utf8', location, location + 4 * maxWords).split('\ufffd');
  const line = words.replaceAll(/\s+/g, ' ').trim();
  return line.length > maxWords ? `${line.slice(0, maxWords).trimEnd()} ...` : line;
}
