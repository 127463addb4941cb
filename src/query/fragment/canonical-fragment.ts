import { renderTemplate } from '../ast/template';
import { quoteIdentifier } from '../ast/quote';
import type { AnalysedBlock } from '../analysis/analyse';
import type { Conjunct } from '../analysis/conjuncts';
import type { KeyClass, KeyMember } from '../analysis/key-classes';
import type { Fragment, FragmentConjunct, FragmentTable } from './fragment';
import { fragmentHash, identityOf, placedConjunct } from './fragment-identity';

/** Where a fragment's text has its meaning: see `Fragment.contextId` and `Fragment.settings`. */
export interface FragmentContext {
  readonly id: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** Beyond this many orders of like tables the first one is taken: equal fragments may then be stored twice, never confused. */
const maxOrders = 720;

/**
 * The fragment over some members of a key class: their usable conjuncts, and the equality of their keys. The same
 * fragment of another statement, with other aliases, order of tables or of conjuncts, has the same hash.
 */
export function canonicalFragment(
  block: AnalysedBlock,
  keyClass: KeyClass,
  members: readonly KeyMember[],
  context: FragmentContext,
): Fragment {
  const indexes = new Set(members.map(({ table }) => table.index));
  const conjuncts = block.conjuncts.filter(({ tables }) => tables.every((table) => indexes.has(table)));
  const candidates = ordersOf(members, conjuncts).map((order) => layOut(order, conjuncts));
  const best = candidates.reduce((least, candidate) =>
    candidate.identity < least.identity ? candidate : least,
  );
  const { partitionKey } = keyClass;
  return {
    hash: fragmentHash(context.id, partitionKey, best.identity),
    partitionKey: partitionKey.name,
    datatype: partitionKey.datatype,
    tables: best.tables,
    conjuncts: best.conjuncts,
    sql: fragmentSql(best.tables, best.conjuncts),
    contextId: context.id,
    settings: context.settings,
  };
}

interface LaidOut {
  readonly tables: readonly FragmentTable[];
  readonly conjuncts: readonly FragmentConjunct[];
  /** Equal for equal fragments, ordered, so that the least of all orders of tables is the canonical one. */
  readonly identity: string;
}

function layOut(order: readonly KeyMember[], conjuncts: readonly Conjunct[]): LaidOut {
  const slots = new Map(order.map(({ table }, slot) => [table.index, slot]));
  const tables = order.map(fragmentTable);
  const laidOut = conjuncts
    .map(({ template, tables: indexes, isSymmetric, reads }) => {
      const positions = indexes.map((index) => slots.get(index) ?? 0);
      const placed = { template, slots: isSymmetric ? positions.sort((a, b) => a - b) : positions };
      const conjunct: FragmentConjunct = reads === undefined ? placed : { ...placed, reads };
      return { conjunct, text: placedConjunct(template, placed.slots) };
    })
    .sort((a, b) => compare(a.text, b.text));
  return {
    tables,
    conjuncts: laidOut.map(({ conjunct }) => conjunct),
    identity: identityOf(
      tables,
      laidOut.map(({ text }) => text),
    ),
  };
}

export function fragmentTable({ table, column }: KeyMember): FragmentTable {
  const { schema, name, definition } = table.relation;
  const tableOf = { schema, name, only: table.only, keyColumn: column };
  return definition === undefined ? tableOf : { ...tableOf, definition };
}

/**
 * The orders worth comparing: tables sorted by what can be said of each without its alias, and every permutation of
 * those that look alike (occurrences of one table in a self-join).
 */
function ordersOf(
  members: readonly KeyMember[],
  conjuncts: readonly Conjunct[],
): readonly (readonly KeyMember[])[] {
  const groups = new Map<string, KeyMember[]>();
  for (const [table, occurrences] of groupBy(members, (member) => JSON.stringify(fragmentTable(member)))) {
    const isOnly = occurrences.length === 1;
    for (const member of occurrences) {
      const signature = JSON.stringify([table, isOnly ? [] : mentionsOf(member, conjuncts)]);
      groups.set(signature, [...(groups.get(signature) ?? []), member]);
    }
  }
  let orders: readonly (readonly KeyMember[])[] = [[]];
  for (const [, group] of [...groups].sort(([a], [b]) => compare(a, b))) {
    const arrangements = orders.length * factorial(group.length) > maxOrders ? [group] : permutations(group);
    orders = orders.flatMap((order) => arrangements.map((arrangement) => [...order, ...arrangement]));
  }
  return orders;
}

/** The conjuncts that mention an occurrence of a table, and where. */
function mentionsOf({ table: { index } }: KeyMember, conjuncts: readonly Conjunct[]): readonly string[] {
  return conjuncts
    .flatMap(({ template, tables, isSymmetric }) =>
      tables.flatMap((table, i) => (table === index ? [`${isSymmetric ? '' : i} ${template}`] : [])),
    )
    .sort();
}

function groupBy<T>(items: readonly T[], nameOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, i) =>
    permutations(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]),
  );
}

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The statement that computes the key set. Everything we add ourselves means the same under every search path. */
export function fragmentSql(
  tables: readonly FragmentTable[],
  conjuncts: readonly FragmentConjunct[],
): string {
  const alias = (slot: number): string => `t${slot + 1}`;
  const keyOf = (slot: number): string => `${alias(slot)}.${quoteIdentifier(tables[slot]?.keyColumn ?? '')}`;
  const from = tables.map(
    ({ schema, name, only }, slot) =>
      `${only ? 'ONLY ' : ''}${quoteIdentifier(schema)}.${quoteIdentifier(name)} AS ${alias(slot)}`,
  );
  const where = [
    ...conjuncts.map(({ template, slots }) => renderTemplate(template, (table) => alias(slots[table] ?? 0))),
    ...tables.slice(1).map((_, i) => `${keyOf(0)} OPERATOR(pg_catalog.=) ${keyOf(i + 1)}`),
  ];
  return `SELECT DISTINCT ${keyOf(0)} FROM ${from.join(', ')}${where.length > 0 ? ` WHERE ${where.join(' AND ')}` : ''}`;
}
