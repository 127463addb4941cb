import type { AnalysedBlock } from '../analysis/analyse';
import type { Conjunct } from '../analysis/conjuncts';
import type { KeyClass, KeyMember } from '../analysis/key-classes';
import { canonicalFragment, type FragmentContext } from './canonical-fragment';
import { connectedSets, neighboursByConjuncts, neighboursOfAll } from './connected-sets';
import type { Fragment } from './fragment';
import { defaultFragmentOptions } from './fragment-options';
import { conjunctLists, learnedConjuncts } from './learned-conjuncts';
import { partitionJoinMember } from './partition-join';

/**
 * The fragments worth learning from a block, most selective first: every connected set of the class's tables that have
 * conditions, with the partition-join table added back (design.md, section 8), as the options of the key say. Tables are
 * connected by a conjunct that mentions both; equality of keys alone connects nothing, since the key sets of two such tables
 * are simply intersected.
 */
export function enumerateFragments(
  block: AnalysedBlock,
  keyClass: KeyClass,
  context: FragmentContext,
): readonly Fragment[] {
  const fragments = [...eachFragment(block, keyClass, context)];
  return [...new Map(fragments.map((fragment) => [fragment.hash, fragment])).values()];
}

/** The same one by one, for whoever may be content with the first: writing them all out takes milliseconds. Some may be equal. */
export function* eachFragment(
  block: AnalysedBlock,
  keyClass: KeyClass,
  context: FragmentContext,
): Generator<Fragment, void> {
  const drafts = [...draftsOf(block, keyClass)].sort((a, b) => b.members.length - a.members.length);
  for (const { members, conjuncts } of drafts)
    yield canonicalFragment({ ...block, conjuncts }, keyClass, members, context);
}

/** Whether some fragment worth learning from a block has a number of tables that is not among these: cheaper than the fragments. */
export function hasFragmentOfOtherSize(
  block: AnalysedBlock,
  keyClass: KeyClass,
  sizes: ReadonlySet<number>,
): boolean {
  for (const { members } of draftsOf(block, keyClass)) if (!sizes.has(members.length)) return true;
  return false;
}

/** A fragment before it is written out. */
interface Draft {
  readonly members: readonly KeyMember[];
  readonly conjuncts: readonly Conjunct[];
}

/** Largest components first, then small ones; as they are asked for. */
function* draftsOf(block: AnalysedBlock, keyClass: KeyClass): Generator<Draft, void> {
  const options = keyClass.partitionKey.fragments ?? defaultFragmentOptions;
  const learned = learnedConjuncts(block, keyClass, options);
  const ofOthers = tablesWithConjuncts(
    learned.all.filter((conjunct) => !learned.ofKey.has(conjunct)),
    keyClass,
  );
  // With nothing but conditions on the key, there is still what they say of it.
  const conditioned = ofOthers.size > 0 ? ofOthers : tablesWithConjuncts(learned.all, keyClass);
  const join = partitionJoinMember(keyClass, conditioned, options);
  const tables = keyClass.members.map(({ table }) => table.index).filter((index) => conditioned.has(index));
  const ofJoin = join === undefined ? 0 : 1;
  const sets = connectedSets(
    options.followGraph ? neighboursByConjuncts(tables, learned.all) : neighboursOfAll(tables),
    {
      minSize: options.minComponentSize - ofJoin,
      maxSize: options.maxComponentSize - ofJoin,
      maxSets: options.maxFragments,
    },
  );
  let made = 0;
  for (const set of sets) {
    const members = membersOf(keyClass, set, join);
    const lists = conjunctLists(learned, new Set(members.map(({ table }) => table.index)));
    for (const conjuncts of lists.slice(0, options.maxFragments - made)) {
      made++;
      yield { members, conjuncts };
    }
  }
}

/** The tables that conjuncts mention which mention nothing outside the class. */
function tablesWithConjuncts(conjuncts: readonly Conjunct[], keyClass: KeyClass): ReadonlySet<number> {
  const members = new Set(keyClass.members.map(({ table }) => table.index));
  return new Set(
    conjuncts.flatMap(({ tables }) => (tables.every((table) => members.has(table)) ? tables : [])),
  );
}

function membersOf(
  keyClass: KeyClass,
  set: readonly number[],
  join: KeyMember | undefined,
): readonly KeyMember[] {
  const members = keyClass.members.filter(({ table }) => set.includes(table.index));
  return join === undefined ? members : [...members, join];
}
