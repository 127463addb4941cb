import type { AnalysedBlock } from '../analysis/analyse';
import type { Conjunct } from '../analysis/conjuncts';
import { isKeyCondition } from '../analysis/key-conditions';
import type { KeyClass, KeyMember } from '../analysis/key-classes';
import { canonicalFragment, fragmentTable, type FragmentContext } from './canonical-fragment';
import type { Fragment } from './fragment';

/** No class of a block is worth more fragments than this; the rest is not looked at, not thrown away after. */
const maxFragments = 32;
/** A join of more tables takes PostgreSQL's planner longer than its keys are likely to save. */
const maxFragmentTables = 16;

/**
 * The fragments worth learning from a block, most selective first: every connected set of the class's tables that have
 * conditions, with the partition-join table added back (design.md, section 8). Tables are connected by a conjunct that
 * mentions both; equality of keys alone connects nothing, since the key sets of two such tables are simply intersected. Each
 * comes with the conditions on the key itself and without them.
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
  const others = block.conjuncts.filter((conjunct) => !isKeyCondition(conjunct, keyClass));
  const ofOthers = tablesWithConjuncts(others, keyClass);
  // With nothing but conditions on the key, there is still what they say of it.
  const withConjuncts = ofOthers.size > 0 ? ofOthers : tablesWithConjuncts(block.conjuncts, keyClass);
  const withoutKeyConditions = { ...block, conjuncts: others };
  const conditioned = keyClass.members.filter(({ table }) => withConjuncts.has(table.index));
  const join = partitionJoinMember(keyClass, withConjuncts);
  for (const members of connectedSets(conditioned, block)) {
    const all = join === undefined ? members : [...members, join];
    const fragment = canonicalFragment(block, keyClass, all, context);
    // A table that only occurs in conditions together with others has none left on its own: all keys are no knowledge.
    if (fragment.conjuncts.length > 0) yield fragment;
    // Without its conditions on the key it serves statements with others, and costs more to learn.
    if (others.length === block.conjuncts.length || ofOthers.size === 0) continue;
    const wider = canonicalFragment(withoutKeyConditions, keyClass, all, context);
    if (wider.conjuncts.length > 0) yield wider;
  }
}

/** The tables that conjuncts mention which mention nothing outside the class. */
function tablesWithConjuncts(conjuncts: readonly Conjunct[], keyClass: KeyClass): ReadonlySet<number> {
  const members = new Set(keyClass.members.map(({ table }) => table.index));
  return new Set(
    conjuncts.flatMap(({ tables }) => (tables.every((table) => members.has(table)) ? tables : [])),
  );
}

/**
 * The table that only joins the others on the key, without a condition of its own; the first by name if there are several, so
 * that aliases do not matter.
 */
function partitionJoinMember(keyClass: KeyClass, withConjuncts: ReadonlySet<number>): KeyMember | undefined {
  const named = keyClass.members
    .filter(({ table }) => !withConjuncts.has(table.index))
    .map((member) => ({ member, name: JSON.stringify(fragmentTable(member)) }));
  return named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))[0]?.member;
}

/** Which tables have a condition with which, by their number in the block. */
type Neighbours = ReadonlyMap<number, ReadonlySet<number>>;

function neighboursOf(members: readonly KeyMember[], { conjuncts }: AnalysedBlock): Neighbours {
  const neighbours = new Map(members.map(({ table }) => [table.index, new Set<number>()]));
  for (const { tables } of conjuncts) {
    for (const table of tables)
      for (const other of tables)
        if (other !== table && neighbours.has(other)) neighbours.get(table)?.add(other);
  }
  return neighbours;
}

/**
 * Connected sets of tables: the largest first, one for each component; then, larger ones first, single tables and those
 * grown from them. Each comes once; no more of them are made than are asked for, and never more than there may be.
 */
function* connectedSets(members: readonly KeyMember[], block: AnalysedBlock): Generator<KeyMember[], void> {
  const neighbours = neighboursOf(members, block);
  const byIndex = new Map(members.map((member) => [member.table.index, member]));
  const membersOf = (set: readonly number[]): KeyMember[] => set.flatMap((index) => byIndex.get(index) ?? []);
  const found = new Set<string>();
  const isNew = (set: readonly number[]): boolean => {
    if (set.length > maxFragmentTables || found.size >= maxFragments) return false;
    const { size } = found;
    return found.add(set.join()).size > size;
  };
  for (const component of componentsOf(members, neighbours)) if (isNew(component)) yield membersOf(component);

  const singles = members.map(({ table }) => [table.index]);
  const others = singles.filter(isNew);
  // Found in the order of their size. A single table may be a component, and be grown all the same.
  const growing = [...singles];
  for (let set = growing.shift(); set !== undefined && found.size < maxFragments; set = growing.shift()) {
    for (const next of new Set(set.flatMap((index) => [...(neighbours.get(index) ?? [])]))) {
      if (set.includes(next)) continue;
      const grown = [...set, next].sort((a, b) => a - b);
      if (!isNew(grown)) continue;
      others.push(grown);
      growing.push(grown);
    }
  }
  yield* others.sort((a, b) => b.length - a.length).map(membersOf);
}

function componentsOf(members: readonly KeyMember[], neighbours: Neighbours): readonly (readonly number[])[] {
  const seen = new Set<number>();
  const components: number[][] = [];
  for (const { table } of members) {
    if (seen.has(table.index)) continue;
    const reached = new Set([table.index]);
    for (const index of reached) for (const next of neighbours.get(index) ?? []) reached.add(next);
    for (const index of reached) seen.add(index);
    components.push([...reached].sort((a, b) => a - b));
  }
  return components.sort((a, b) => b.length - a.length);
}
