import type { CacheBackend, CacheEntry } from '../cache/cache-backend';
import type { Directory } from '../cache/directory';
import type { KeySet } from '../cache/key-set';
import { intersectKeySets } from '../cache/key-sets/intersect-key-sets';
import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import { freshnessOf, isOf, type SeenBy } from '../freshness/combine-stamps';
import { freshKeys, type Freshness } from '../freshness/fresh-keys';
import { quoteIdentifier } from '../query/ast/quote';
import type { Catalog } from '../query/catalog/catalog';
import { fragmentSql } from '../query/fragment/canonical-fragment';
import type { Fragment, FragmentTable } from '../query/fragment/fragment';
import type { PartitionKey } from '../query/partition-key';
import { rowsOf, type KeySource } from '../query/rewrite/key-source';
import type { MethodChoice } from '../query/rewrite/method';
import { elementTypeOf, keyArray, restrictMember, type ElementType } from '../query/rewrite/restriction';
import { methodsFor } from './method-choice';

export interface FragmentNarrowing {
  /** Lent, not owned. */
  readonly backend: CacheBackend;
  readonly directory: Directory;
  /** Asked each time: nothing is narrowed by a catalog that is not current. */
  readonly catalog: () => Catalog | undefined;
  readonly partitionKeys: readonly (PartitionKey & { readonly maxKeyShare: number })[];
  readonly method: Exclude<MethodChoice, 'tmp_table_in' | 'tmp_table_join'>;
}

/** More of them hardly narrow it any further. */
const maxEntries = 8;

/**
 * A text with the keys of a fragment that the server finds sooner, since smaller fragments that it implies are known: restricted by their keys just
 * as a client's statement is, with those added that have changed since where the data is not promised to stay (rules S1, S4, F3, F4). Undefined if
 * nothing that is known is of use. The fragment's own entry is not made use of: who runs it again wants to know.
 *
 * Every conjunct of an entry that matches is one of the fragment's over the same tables, and its hash says so; hence every key of the fragment is one of
 * the entry's, in one snapshot. A NULL key passes wherever it could qualify, so that the entry's flag stays true.
 */
export async function narrowedFragment(
  fragment: Fragment,
  { backend, directory, catalog: currentCatalog, partitionKeys, method }: FragmentNarrowing,
): Promise<string | undefined> {
  const key = partitionKeys.find(({ name }) => name === fragment.partitionKey);
  const { tables, conjuncts, sql } = fragment;
  if (key === undefined || sql !== fragmentSql(tables, conjuncts)) return undefined;
  const entries = directory
    .matchFragment(fragment)
    .filter((entry) => entry.fragment.hash !== fragment.hash)
    .slice(0, maxEntries);
  if (entries.length === 0) return undefined;
  const known = await loaded(
    backend,
    entries.map((entry) => entry.fragment),
  );
  const catalog = currentCatalog();
  if (catalog === undefined) return undefined;
  const found = combined(known, key, catalog);
  if (found === undefined) return undefined;
  const { keys, freshness } = found;
  const total = catalog.keyCounts.get(key.name);
  if (total !== undefined && keys.size > key.maxKeyShare * total) return undefined;
  const placement = methodsFor(method, keys.size, false)[0] === 'inline' ? 'array' : 'semi-join';
  const columns = columnsOf(fragment, catalog);
  const restrictions = columns.map(({ alias, column, elementType, all }) => {
    const constant: KeySource = { kind: 'constant', array: keyArray(keys, elementType) };
    const source: KeySource =
      freshness === undefined
        ? constant
        : { kind: 'query', rows: freshKeys(rowsOf(constant), elementType, freshness, all) };
    const isEquated = tables.length > 1;
    return restrictMember(
      { table: { alias }, column, isNotNull: false },
      { isEquated },
      { source, placement },
    );
  });
  if (restrictions.length === 0) return undefined;
  const isConditioned = conjuncts.length > 0 || tables.length > 1;
  return `${sql}${isConditioned ? ' AND ' : ' WHERE '}${restrictions.join(' AND ')}`;
}

/** Those that can be read. A store that is away makes a run no worse than it is. */
async function loaded(backend: CacheBackend, fragments: readonly Fragment[]): Promise<readonly CacheEntry[]> {
  try {
    const entries = await Promise.all(
      fragments.map(({ partitionKey, hash }) => backend.get(partitionKey, hash)),
    );
    return entries.filter((entry) => entry !== undefined);
  } catch (error) {
    if (error instanceof CacheUnavailableError) return [];
    throw error;
  }
}

interface UsableKeys {
  readonly keys: KeySet;
  /** Absent if the data is promised not to change. */
  readonly seen?: SeenBy;
}

/** What the entries leave together; undefined if none of them can be used. */
function combined(
  entries: readonly CacheEntry[],
  { changeLog }: PartitionKey,
  { reading }: Catalog,
): { readonly keys: KeySet; readonly freshness?: Freshness } | undefined {
  const usable = entries.flatMap(({ keys, snapshot, origin }): readonly UsableKeys[] => {
    if (keys === undefined) return [];
    if (changeLog === undefined) return [{ keys }];
    const isExact =
      snapshot !== undefined && origin !== undefined && reading !== undefined && isOf(origin, reading);
    return isExact ? [{ keys, seen: { snapshot, origin } }] : [];
  });
  const keys = intersectKeySets(usable.map((each) => each.keys));
  if (keys === undefined) return undefined;
  if (changeLog === undefined || reading === undefined) return { keys };
  const seen = usable.flatMap((each) => each.seen ?? []);
  return { keys, freshness: freshnessOf(seen, changeLog, reading) };
}

interface NarrowedColumn {
  readonly alias: string;
  readonly column: string;
  readonly elementType: ElementType;
  /** Where all keys are, of the same type. */
  readonly all: { readonly table: string; readonly column: string };
}

/** The key columns that can be restricted; every one of them, so that the planner may begin with any. */
function columnsOf({ tables }: Fragment, catalog: Catalog): readonly NarrowedColumn[] {
  return tables.flatMap((table, slot) => {
    const { keyColumn: column } = table;
    const found = catalog.relation(table, [])?.columns.get(column);
    const elementType = found === undefined ? undefined : elementTypeOf(catalog.baseTypeOid(found.typeOid));
    const all = { table: fromText(table), column };
    return elementType === undefined ? [] : [{ alias: `t${slot + 1}`, column, elementType, all }];
  });
}

function fromText({ schema, name, only }: FragmentTable): string {
  return `${only ? 'ONLY ' : ''}${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
