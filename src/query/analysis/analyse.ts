import type { Node, SelectStmt } from '@pgsql/types';
import { walk } from '../ast/walk';
import type { PartitionKey } from '../partition-key';
import { readFromClause, type BlockTable, type FromClause } from './block-tables';
import { blocksOf, type Block } from './blocks';
import { canonicaliseNode } from './canonicalise';
import { equalityOf, readConditions, type Conjunct } from './conjuncts';
import type { ExpressionScope, ParameterValue } from './expression';
import type { KeyClass } from './key-classes';
import { mayRaiseInStatement } from './statement-raising';
import {
  checkStatement,
  cteNames,
  resolveRelation,
  type NameContext,
  type RefusedStatement,
} from './statement-check';

/** What a statement is analysed against. */
export interface AnalysisContext extends NameContext {
  readonly partitionKeys: readonly PartitionKey[];
  /** Bound values; undefined for a number that is not bound or whose value cannot be read. */
  parameter(number: number): ParameterValue | undefined;
}

/** The parts of a statement that may be restricted. */
export interface AnalysedStatement {
  readonly blocks: readonly AnalysedBlock[];
  /** Whether a restriction could make an error appear that the statement as written does not raise (rule S12). */
  readonly mayRaise: boolean;
}

/** A block with at least one table that has a partition key. */
export interface AnalysedBlock {
  readonly block: Block;
  readonly tables: readonly BlockTable[];
  readonly conjuncts: readonly Conjunct[];
  readonly classes: readonly KeyClass[];
  /** Why conditions of this block are in no fragment, for explanation. */
  readonly leftOut: readonly string[];
}

/** Analyses a SELECT. Every block is looked at on its own: what surrounds it does not matter (design.md, section 4). */
export function analyse(select: SelectStmt, context: AnalysisContext): AnalysedStatement | RefusedStatement {
  const refused = checkStatement(select, context);
  if (refused !== undefined) return refused;
  const ctes = cteNames(select);
  const blocks: AnalysedBlock[] = [];
  const scopes = new Map<SelectStmt, ExpressionScope>();
  for (const block of blocksOf(select)) {
    const from = readFromClause(block.select.fromClause, (name) => resolveRelation(name, context, ctes));
    if ('refused' in from) return from;
    const scope = expressionScope(from, context);
    scopes.set(block.select, scope);
    const conditions =
      block.select.whereClause === undefined
        ? from.conditions
        : [...from.conditions, block.select.whereClause];
    const { conjuncts, equalities, leftOut } = readConditions(conditions, scope);
    for (const using of from.usings) equalities.equateUsing(using, from.tables, equalityOf(scope));
    const classes = equalities.classes(from.tables, context.partitionKeys, context.catalog);
    if (classes.length > 0) blocks.push({ block, tables: from.tables, conjuncts, classes, leftOut });
  }
  if (blocks.length === 0) return { refused: 'no partition key' };
  return { blocks, mayRaise: mayRaiseInStatement(select, (block) => scopes.get(block)) };
}

function expressionScope(from: FromClause, context: AnalysisContext): ExpressionScope {
  const scope: ExpressionScope = {
    catalog: context.catalog,
    searchPath: context.searchPath,
    partitionKeys: context.partitionKeys,
    tables: from.tables,
    isMerged: (column) => from.isMerged(column),
    parameter: (number) => context.parameter(number),
    canonicalise: (node: Node | undefined) => canonicaliseNode(node, scope),
  };
  return scope;
}

/** Whether any parameter occurs in the statement. */
export function hasParameters(select: SelectStmt): boolean {
  let found = false;
  walk(select, (kind) => {
    if (kind === 'ParamRef') found = true;
    return !found;
  });
  return found;
}
