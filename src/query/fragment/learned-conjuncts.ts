import type { AnalysedBlock } from '../analysis/analyse';
import type { Conjunct } from '../analysis/conjuncts';
import { isKeyCondition } from '../analysis/key-conditions';
import type { KeyClass } from '../analysis/key-classes';
import { columnsOf } from '../ast/template';
import type { FragmentOptions } from './fragment-options';

/** The conditions of a block that go into fragments of a key. */
export interface LearnedConjuncts {
  readonly all: readonly Conjunct[];
  /** Those on the key itself: without them a fragment serves statements with others, and costs more to learn. */
  readonly ofKey: ReadonlySet<Conjunct>;
  /** Those that fragments are learned without as well. */
  readonly removable: ReadonlySet<Conjunct>;
  /** Those that fragments are learned with as well. */
  readonly added: readonly Conjunct[];
}

export function learnedConjuncts(
  block: AnalysedBlock,
  keyClass: KeyClass,
  options: FragmentOptions,
): LearnedConjuncts {
  const { name } = keyClass.partitionKey;
  const all = block.conjuncts.filter(
    (conjunct) =>
      conjunct.notLearnedFor?.has(name) !== true &&
      !namesOneOf(conjunct, 'removeConstraintsAll', block, options),
  );
  return {
    all,
    ofKey: new Set(all.filter((conjunct) => isKeyCondition(conjunct, keyClass))),
    removable: new Set(
      all.filter((conjunct) => namesOneOf(conjunct, 'removeConstraintsAdd', block, options)),
    ),
    added: block.proposals?.get(name) ?? [],
  };
}

/** Whether a conjunct names a column of a list of columns, the key's or the table's own. */
function namesOneOf(
  { template, tables }: Conjunct,
  list: 'removeConstraintsAll' | 'removeConstraintsAdd',
  block: AnalysedBlock,
  options: FragmentOptions,
): boolean {
  if (options[list].length === 0 && options.tables.size === 0) return false;
  return columnsOf(template).some(({ table, column }) => {
    const relation = block.tables[tables[table] ?? -1]?.relation;
    const own = relation && options.tables.get(`${relation.schema}.${relation.name}`)?.[list];
    return (own ?? options[list]).includes(column);
  });
}

/**
 * The conditions of the fragments over some tables, most selective first: all; without those on the key; each of these without
 * the removable ones, and with those that are added. Each list once, none empty.
 */
export function conjunctLists(
  { all, ofKey, removable, added }: LearnedConjuncts,
  tables: ReadonlySet<number>,
): readonly (readonly Conjunct[])[] {
  const isInside = (conjunct: Conjunct): boolean => conjunct.tables.every((table) => tables.has(table));
  const inside = all.filter(isInside);
  const withoutKey = inside.filter((conjunct) => !ofKey.has(conjunct));
  const known = new Set(inside.map(nameOf));
  const more = added.filter((conjunct) => isInside(conjunct) && !known.has(nameOf(conjunct)));
  const lists = [inside, withoutKey].flatMap((list) => [
    list,
    list.filter((conjunct) => !removable.has(conjunct)),
    ...(more.length > 0 ? [[...list, ...more]] : []),
  ]);
  return [...new Map(lists.map((list) => [list.map(nameOf).join('\0'), list])).values()].filter(
    ({ length }) => length > 0,
  );
}

function nameOf({ template, tables }: Conjunct): string {
  return `${template} ${tables.join(',')}`;
}
