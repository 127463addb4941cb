import type { AnalysedBlock } from '../analysis/analyse';
import type { KeyClass, KeyMember } from '../analysis/key-classes';
import { canonicalFragment, type FragmentContext } from './canonical-fragment';
import type { Fragment } from './fragment';

/** No statement is worth more fragments than this; the rest is not looked at, not thrown away after. */
const maxFragments = 32;

/**
 * The fragments worth learning from a block, most selective first: every connected set of the class's tables that have
 * conditions, with the partition-join table added back (design.md, section 8). Tables are connected by a conjunct that
 * mentions both; equality of keys alone connects nothing, since the key sets of two such tables are simply intersected.
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
  const conditioned = keyClass.members.filter(({ table }) => conjunctsOn(block, keyClass, table.index) > 0);
  const join = partitionJoinMember(keyClass, conditioned);
  const sets = connectedSets(conditioned, block).sort((a, b) => b.length - a.length);
  for (const members of sets) {
    const all = join === undefined ? members : [...members, join];
    const fragment = canonicalFragment(block, keyClass, all, context);
    // A table that only occurs in conditions together with others has none left on its own: all keys are no knowledge.
    if (fragment.conjuncts.length > 0) yield fragment;
  }
}

/** Conjuncts that mention the table and nothing outside the class. */
function conjunctsOn(block: AnalysedBlock, keyClass: KeyClass, index: number): number {
  const members = new Set(keyClass.members.map(({ table }) => table.index));
  return block.conjuncts.filter(
    ({ tables }) => tables.includes(index) && tables.every((table) => members.has(table)),
  ).length;
}

/** The table that only joins the others on the key, without a condition of its own; the first by alias if there are several. */
function partitionJoinMember(keyClass: KeyClass, conditioned: readonly KeyMember[]): KeyMember | undefined {
  return keyClass.members
    .filter((member) => !conditioned.includes(member))
    .sort((a, b) => (a.table.alias < b.table.alias ? -1 : 1))[0];
}

/** Connected sets of tables: the largest of each component first, then single tables, then those grown from them. */
function connectedSets(members: readonly KeyMember[], block: AnalysedBlock): KeyMember[][] {
  const neighbours = (member: KeyMember): readonly KeyMember[] =>
    members.filter(
      (other) =>
        other !== member &&
        block.conjuncts.some(
          ({ tables }) => tables.includes(member.table.index) && tables.includes(other.table.index),
        ),
    );
  const found = new Map<string, KeyMember[]>();
  const note = (set: readonly KeyMember[]): boolean => {
    const sorted = [...set].sort((a, b) => a.table.index - b.table.index);
    const name = sorted.map(({ table }) => table.index).join(',');
    if (found.size >= maxFragments || found.has(name)) return false;
    found.set(name, sorted);
    return true;
  };
  for (const member of members) note(component(member, neighbours));
  const growing: (readonly KeyMember[])[] = members
    .filter((member) => note([member]))
    .map((member) => [member]);
  for (const member of members)
    if (neighbours(member).length > 0 && !growing.some(([only]) => only === member)) growing.push([member]);
  for (let set = growing.shift(); set !== undefined && found.size < maxFragments; set = growing.shift()) {
    for (const next of new Set(set.flatMap(neighbours))) {
      if (set.includes(next)) continue;
      const grown = [...set, next];
      if (note(grown)) growing.push(grown);
    }
  }
  return [...found.values()].filter((set) => set.length > 0);
}

function component(
  start: KeyMember,
  neighbours: (member: KeyMember) => readonly KeyMember[],
): readonly KeyMember[] {
  const reached = [start];
  for (const member of reached) {
    for (const next of neighbours(member)) if (!reached.includes(next)) reached.push(next);
  }
  return reached;
}
