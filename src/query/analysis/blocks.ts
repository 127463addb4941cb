import type { Node, SelectStmt } from '@pgsql/types';
import { walk } from '../ast/walk';

/** One `SELECT … FROM …` at some depth of a statement, before it is looked into. */
export interface Block {
  readonly select: SelectStmt;
  /** Byte offset of the first item of the select list, by which the block's own SELECT is found in the text. */
  readonly targetLocation: number;
  /** Whether the block's rows are the statement's own: the top level, or a branch of its set operations. */
  readonly isTopLevel: boolean;
}

/** A SELECT at some depth of a statement that is not a set operation, with or without anything in it to restrict. */
export interface PlainSelect {
  readonly select: SelectStmt;
  readonly isTopLevel: boolean;
}

/** The blocks of a statement: top level, CTEs, derived tables, sub-selects, branches of set operations. */
export function blocksOf(statement: SelectStmt): readonly Block[] {
  return plainSelectsOf(statement).flatMap(({ select, isTopLevel }) => {
    const targetLocation = locationOfTarget(select.targetList?.[0]);
    return select.fromClause === undefined || targetLocation === undefined
      ? []
      : [{ select, targetLocation, isTopLevel }];
  });
}

/** Every SELECT of a statement, outer ones first, besides the set operations themselves. */
export function plainSelectsOf(statement: SelectStmt): readonly PlainSelect[] {
  const selects: PlainSelect[] = [];
  collect(statement, true, selects);
  return selects;
}

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

function locationOfTarget(target: Node | undefined): number | undefined {
  return target !== undefined && 'ResTarget' in target ? target.ResTarget.location : undefined;
}
