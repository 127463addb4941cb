import type { Node, SelectStmt } from '@pgsql/types';
import { walk } from '../ast/walk';
import type { Restrictable } from './restrictable';

/** One `SELECT … FROM …` at some depth of a statement, before it is looked into. */
export interface Block {
  readonly select: SelectStmt;
  /** Byte offset of something between the block's own SELECT and its WHERE, by which the two are found in the text. */
  readonly location: number;
  /** Whether the block's rows are the statement's own: the top level, or a branch of its set operations. */
  readonly isTopLevel: boolean;
}

/** A SELECT at some depth of a statement that is not a set operation, with or without anything in it to restrict. */
export interface PlainSelect {
  readonly select: SelectStmt;
  readonly isTopLevel: boolean;
}

/** What blocks are looked for in: a statement, or a query of one. */
export type QueryRoot = Pick<Restrictable, 'query' | 'outerWith'>;

/** The blocks of a statement: top level, CTEs, derived tables, sub-selects, branches of set operations. */
export function blocksOf(root: QueryRoot): readonly Block[] {
  return plainSelectsOf(root).flatMap(({ select, isTopLevel }) => {
    const location = locationIn(select);
    return select.fromClause === undefined || location === undefined
      ? []
      : [{ select, location, isTopLevel }];
  });
}

/** Every SELECT of a statement, outer ones first, besides the set operations themselves. */
export function plainSelectsOf(root: QueryRoot): readonly PlainSelect[] {
  const known = selectsOf.get(root);
  if (known !== undefined) return known;
  const selects: PlainSelect[] = [];
  collect(root.query, true, selects);
  collectBelow(root.outerWith, selects);
  selectsOf.set(root, selects);
  return selects;
}

/** They are asked for several times in an analysis. */
const selectsOf = new WeakMap<QueryRoot, readonly PlainSelect[]>();

function collect(select: SelectStmt, isTopLevel: boolean, selects: PlainSelect[]): void {
  if (select.larg !== undefined && select.rarg !== undefined) {
    collect(select.larg, isTopLevel, selects);
    collect(select.rarg, isTopLevel, selects);
    collectBelow({ ...select, larg: undefined, rarg: undefined }, selects);
    return;
  }
  selects.push({ select, isTopLevel });
  collectBelow(select, selects);
}

function collectBelow(fields: unknown, selects: PlainSelect[]): void {
  walk(fields, (kind, below) => {
    if (kind !== 'SelectStmt') return true;
    collect(below, false, selects);
    return false;
  });
}

/** `TABLE place` is a SELECT whose list is nowhere in the text; `SELECT FROM place` has none, but a table's name. */
function locationIn({ targetList, fromClause }: SelectStmt): number | undefined {
  const [target] = targetList ?? [];
  if (target !== undefined) {
    const location = 'ResTarget' in target ? target.ResTarget.location : undefined;
    return location === undefined || location < 0 ? undefined : location;
  }
  return locationOfTable(fromClause?.[0]);
}

function locationOfTable(item: Node | undefined): number | undefined {
  if (item === undefined) return undefined;
  if ('JoinExpr' in item) return locationOfTable(item.JoinExpr.larg);
  return 'RangeVar' in item ? item.RangeVar.location : undefined;
}
