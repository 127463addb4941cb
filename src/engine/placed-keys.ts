import { randomBytes } from 'node:crypto';
import type { KeySet } from '../cache/key-set';
import type { SqlText } from '../query/ast/quote';
import type { KeySource } from '../query/rewrite/key-source';
import { keyTable, rowsOfArray, type KeyTable } from '../query/rewrite/key-table';
import { usesTable, type Method } from '../query/rewrite/method';
import { keyArray, type ElementType, type PlacedKeys } from '../query/rewrite/restriction';

/** A restriction's keys as the client's session reads them, and as the server is asked about them before. */
export interface Placed {
  readonly sent: PlacedKeys;
  readonly asked: PlacedKeys;
  /** What has to be there to be read. */
  readonly table?: KeyTable;
}

/** Array constants by key set: a set that is used again is not written out again. */
const arrays = new WeakMap<KeySet, Map<string, SqlText>>();
/** Likewise temporary tables. Their names are drawn, so that no client has one of that name. */
const tables = new WeakMap<KeySet, Map<string, KeyTable>>();
const ownNames = randomBytes(8).toString('hex');
let tableCount = 0;

/** Keys at hand, put as a method puts them. */
export function placeKeys(keys: KeySet, elementType: ElementType, method: Method): Placed {
  if (usesTable(method))
    return inTable(tableFor(keys, elementType, method === 'tmp_table_join'), elementType);
  const array = arrayFor(keys, elementType);
  const placed = { source: { kind: 'constant', array }, placement: placementOf(method) } as const;
  return { sent: placed, asked: placed };
}

/**
 * Keys that are read when the statement is run, or when its temporary table is made.
 *
 * @param rows a SELECT of one column of the element type; a key may be there more than once
 */
export function placeRows(rows: string, elementType: ElementType, method: Method): Placed {
  if (usesTable(method)) {
    const each = `SELECT DISTINCT r.key FROM (${rows}) AS r (key)`;
    return inTable(keyTable(newName(), each, method === 'tmp_table_join'), elementType);
  }
  const placed = { source: { kind: 'query', rows }, placement: placementOf(method) } as const;
  return { sent: placed, asked: placed };
}

function placementOf(method: Method): PlacedKeys['placement'] {
  return method === 'inline' ? 'array' : 'semi-join';
}

function inTable(table: KeyTable, elementType: ElementType): Placed {
  const standIn: KeySource = { kind: 'query', rows: `SELECT NULL::pg_catalog.${elementType}` };
  return {
    sent: { source: { kind: 'table', ...table }, placement: 'semi-join' },
    asked: { source: standIn, placement: 'semi-join' },
    table,
  };
}

function newName(): string {
  return `pcache_keys_${++tableCount}_${ownNames}`;
}

function tableFor(keys: KeySet, elementType: ElementType, isUnique: boolean): KeyTable {
  const known = tables.get(keys) ?? new Map<string, KeyTable>();
  tables.set(keys, known);
  const kind = `${elementType} ${isUnique}`;
  const table = known.get(kind) ?? keyTable(newName(), rowsOfArray(arrayFor(keys, elementType)), isUnique);
  known.set(kind, table);
  return table;
}

function arrayFor(keys: KeySet, elementType: ElementType): SqlText {
  const known = arrays.get(keys) ?? new Map<string, SqlText>();
  arrays.set(keys, known);
  const array = known.get(elementType) ?? keyArray(keys, elementType);
  known.set(elementType, array);
  return array;
}
