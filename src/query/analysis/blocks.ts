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

/** The blocks of a statement: top level, CTEs, derived tables, sub-selects, branches of set operations. */
export function blocksOf(statement: SelectStmt): readonly Block[] {
  const blocks: Block[] = [];
  collect(statement, true, blocks);
  return blocks;
}

function collect(select: SelectStmt, isTopLevel: boolean, blocks: Block[]): void {
  if (select.larg !== undefined && select.rarg !== undefined) {
    collect(select.larg, isTopLevel, blocks);
    collect(select.rarg, isTopLevel, blocks);
    collectBelow({ ...select, larg: undefined, rarg: undefined }, blocks);
    return;
  }
  const targetLocation = locationOfTarget(select.targetList?.[0]);
  if (select.fromClause !== undefined && targetLocation !== undefined)
    blocks.push({ select, targetLocation, isTopLevel });
  collectBelow(select, blocks);
}

function collectBelow(fields: unknown, blocks: Block[]): void {
  walk(fields, (kind, below) => {
    if (kind !== 'SelectStmt') return true;
    collect(below, false, blocks);
    return false;
  });
}

function locationOfTarget(target: Node | undefined): number | undefined {
  return target !== undefined && 'ResTarget' in target ? target.ResTarget.location : undefined;
}
