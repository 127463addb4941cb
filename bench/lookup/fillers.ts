import type { EntryDescription } from '../../src/cache/cache-backend';
import type { AnalysedBlock, AnalysisContext } from '../../src/query/analysis/analyse';
import { TypeOid } from '../../src/query/catalog/catalog';
import { canonicalFragment } from '../../src/query/fragment/canonical-fragment';
import type { Fragment } from '../../src/query/fragment/fragment';
import { fragmentHash, identityOf, placedConjunct } from '../../src/query/fragment/fragment-identity';
import type { PartitionKey } from '../../src/query/partition-key';
import { firstBlock, smallContext } from '../../test/support/analyse-text';
import { column, relation, smallCatalog } from '../../test/support/small-catalog';

/** mixed: two conditions of four are shared by very many entries, the others by none. unique: four that no other entry has. */
export const kinds = ['mixed', 'unique'] as const;
export type Kind = (typeof kinds)[number];

export const maxTables = 8;
const key: PartitionKey = {
  name: 'region',
  datatype: 'integer',
  tables: new Map(Array.from({ length: maxTables }, (_, i) => [`public.place_${i}`, 'region_id'])),
};
const context: AnalysisContext = smallContext({
  catalog: smallCatalog({
    relations: Array.from({ length: maxTables }, (_, i) =>
      relation(40_000 + i, 'public', `place_${i}`, [
        column('id', TypeOid.int4, true),
        column('region_id', TypeOid.int4, true),
        column('kind', TypeOid.text),
        column('population', TypeOid.int4),
      ]),
    ),
  }),
  partitionKeys: [key],
});
export const contextId = '0123456789abcdef0123456789abcdef';
const at = { id: contextId, settings: { search_path: 'public' } };

/** A block over some tables, joined on the key and, if they are a chain, by a condition from each to the next. */
export function blockOver(
  tables: readonly number[],
  conditions: (table: number) => readonly string[],
  isChain = true,
): AnalysedBlock {
  const where = tables.flatMap((table, i) => {
    const before = `t${tables[i - 1] ?? 0}`;
    const joins = [`t${table}.region_id = ${before}.region_id`, `${before}.id < t${table}.id`];
    return [...conditions(table), ...(i === 0 ? [] : joins.slice(0, isChain ? 2 : 1))];
  });
  const from = tables.map((table) => `place_${table} t${table}`);
  return firstBlock(`select 1 from ${from.join(', ')} where ${where.join(' and ')}`, context);
}

/** Entries that no query of the benchmark matches, of 1 to 4 tables and 1 to 4 conditions. */
export class Fillers {
  readonly #templates: readonly Fragment[];

  constructor(kind: Kind) {
    this.#templates = Array.from({ length: 64 }, (_, i) => {
      const tables = Array.from({ length: 1 + (i % 4) }, (_, j) => (i + j) % maxTables).sort((a, b) => a - b);
      const block =
        kind === 'unique'
          ? blockOver(tables, (table) => this.#ownConditions(tables, table), false)
          : blockOver(tables, (table) => this.#mixedConditions(tables, table));
      const [keyClass] = block.classes;
      if (keyClass === undefined) throw new Error('no class');
      return canonicalFragment(block, keyClass, keyClass.members, at);
    });
  }

  entry(number: number): EntryDescription {
    const template = this.#templates[number % this.#templates.length];
    if (template === undefined) throw new Error('no template');
    const constant = String(1_000_000 + number);
    const conjuncts = template.conjuncts.map((conjunct) => ({
      ...conjunct,
      template: conjunct.template.replace(/\b10(?=\d{3}\b)/, constant),
    }));
    const placed = conjuncts.map((conjunct) => placedConjunct(conjunct.template, conjunct.slots));
    const hash = fragmentHash(contextId, key, identityOf(template.tables, placed));
    return entryOf({ ...template, hash, conjuncts }, number);
  }

  /** Four in all. */
  #ownConditions(tables: readonly number[], table: number): readonly string[] {
    return [0, 1, 2, 3]
      .filter((j) => tables[j % tables.length] === table)
      .map((j) => `t${table}.population <> ${10_000 + j}`);
  }

  /** One that is the entry's own; up to three tables leave room for one that is common. The others join. */
  #mixedConditions(tables: readonly number[], table: number): readonly string[] {
    if (table !== tables[0]) return [];
    return [`t${table}.population > 10000`, ...(tables.length < 4 ? [`t${table}.kind = 'common'`] : [])];
  }
}

/** An entry as a store gives it back: no part of it is shared with another. One server transaction in ten ran beside it. */
export function entryOf(fragment: Fragment, number: number): EntryDescription {
  const xmin = 1_000_000 + 3 * number;
  const entry: EntryDescription = {
    fragment,
    status: 'ok',
    keyCount: 1 + (number % 1_000),
    hasNullKey: false,
    snapshot: number % 10 === 0 ? `${xmin}:${xmin + 5}:${xmin},${xmin + 2}` : `${xmin}:${xmin}:`,
    createdAt: 1_790_000_000_000 + number,
    lastUsedAt: 1_790_000_000_000 + 2 * number,
    computeMs: 12.5 + (number % 100),
    error: undefined,
  };
  return JSON.parse(JSON.stringify(entry)) as EntryDescription;
}

export { at as fragmentContext };
