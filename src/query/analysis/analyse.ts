import type { SelectStmt } from '@pgsql/types';
import type { PartitionKey } from '../partition-key';
import { readFromClause, type BlockTable, type FromClause } from './block-tables';
import { blocksOf, type Block } from './blocks';
import { canonicaliseNode } from './canonicalise';
import { equalityOf, readConditions, type Conjunct } from './conjuncts';
import { remembering, type ExpressionScope, type ParameterValue } from './expression';
import type { KeyClass } from './key-classes';
import type { Restrictable } from './restrictable';
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
  readonly statement: Restrictable;
  readonly block: Block;
  readonly tables: readonly BlockTable[];
  readonly conjuncts: readonly Conjunct[];
  readonly classes: readonly KeyClass[];
  /** Why conditions of this block are in no fragment, for explanation. */
  readonly leftOut: readonly string[];
}

/**
 * Analyses the statements of a text that are sent together. In a text of several an error cannot be answered by running one
 * of them again, so only those take part that cannot raise one.
 */
export function analyseAll(
  statements: readonly Restrictable[],
  context: AnalysisContext,
): AnalysedStatement | RefusedStatement {
  const [first, ...others] = statements;
  if (first === undefined) return { refused: 'not a candidate' };
  if (others.length === 0) return analyse(first, context);
  const analyses = statements.map((statement) => analyse({ ...statement, mayRunTwice: false }, context));
  const blocks = analyses.flatMap((analysis) => ('refused' in analysis ? [] : analysis.blocks));
  const refused = analyses.find((analysis) => 'refused' in analysis);
  return blocks.length === 0 && refused !== undefined ? refused : { blocks, mayRaise: false };
}

/** Analyses a statement. Every block is looked at on its own: what surrounds it does not matter (design.md, section 4). */
export function analyse(
  statement: Restrictable,
  context: AnalysisContext,
): AnalysedStatement | RefusedStatement {
  const refused = checkStatement(statement, context) ?? refuseTarget(statement, context);
  if (refused !== undefined) return refused;
  const ctes = cteNames(statement);
  const blocks: AnalysedBlock[] = [];
  const scopes = new Map<SelectStmt, ExpressionScope>();
  for (const block of blocksOf(statement)) {
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
    if (classes.length > 0)
      blocks.push({ statement, block, tables: from.tables, conjuncts, classes, leftOut });
  }
  if (blocks.length === 0) return { refused: 'no partition key' };
  const mayRaise = mayRaiseInStatement(statement, (block) => scopes.get(block));
  return mayRaise && !statement.mayRunTwice ? { refused: 'may raise an error' } : { blocks, mayRaise };
}

/**
 * An INSERT into a table of a key changes what the key sets say (rule S6). The rows it reads are those from before it began,
 * whatever its name means to the session, so this is caution.
 */
function refuseTarget(
  { target }: Restrictable,
  { catalog, searchPath, partitionKeys }: AnalysisContext,
): RefusedStatement | undefined {
  if (target === undefined) return undefined;
  const relation = catalog.relation({ schema: target.schemaname, name: target.relname ?? '' }, searchPath);
  const name = relation === undefined ? '' : `${relation.schema}.${relation.name}`;
  return partitionKeys.some(({ tables }) => tables.has(name))
    ? { refused: 'writes a tracked table' }
    : undefined;
}

function expressionScope(from: FromClause, context: AnalysisContext): ExpressionScope {
  const scope: ExpressionScope = {
    catalog: context.catalog,
    searchPath: context.searchPath,
    partitionKeys: context.partitionKeys,
    tables: from.tables,
    isMerged: (column) => from.isMerged(column),
    parameter: (number) => context.parameter(number),
    canonicalise: remembering((node) => canonicaliseNode(node, scope)),
  };
  return scope;
}
