import type { KeyClass, KeyMember } from '../analysis/key-classes';
import { fragmentTable } from './canonical-fragment';
import type { FragmentOptions } from './fragment-options';

/**
 * The partition-join table of a class: one that only joins the others on the key. It is looked for in three tiers: the one the
 * configuration names; one whose name begins with p0; any, where it is to be found by what it does. A class's keys are all equal,
 * so each of its tables joins all others, however the statement has it. Of several in a tier it is the first by name, so that
 * aliases do not matter. A table with a condition on anything but the key is none, whoever says so.
 *
 * That p0… comes before what is found: of `users, orders, p0_city` with a condition on users only, orders as well has nothing but
 * its key, and comes first in the alphabet.
 *
 * @param conditioned tables that have such a condition, by their number in the block
 */
export function partitionJoinMember(
  { members }: KeyClass,
  conditioned: ReadonlySet<number>,
  { partitionJoinTable, autoDetectPartitionJoin }: FragmentOptions,
): KeyMember | undefined {
  const pure = members.filter(({ table }) => !conditioned.has(table.index));
  return (
    first(
      pure.filter((member) => partitionJoinTable !== undefined && isCalled(member, partitionJoinTable)),
    ) ??
    first(pure.filter(({ table }) => /^p0/i.test(table.relation.name))) ??
    first(autoDetectPartitionJoin ? pure : [])
  );
}

function isCalled({ table: { alias, relation } }: KeyMember, name: string): boolean {
  return alias === name || relation.name === name || `${relation.schema}.${relation.name}` === name;
}

function first(members: readonly KeyMember[]): KeyMember | undefined {
  const [least] = members
    .map((member) => ({ member, name: JSON.stringify(fragmentTable(member)) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return least?.member;
}
