import {
  analyse,
  type AnalysedBlock,
  type AnalysedStatement,
  type AnalysisContext,
} from '../../src/query/analysis/analyse';
import type { SelectStmt } from '@pgsql/types';
import { restrictableOf, type Restrictable } from '../../src/query/analysis/restrictable';
import { parseStatements } from '../../src/query/ast/parser';
import { renderTemplate } from '../../src/query/ast/template';
import { smallCatalog, smallKeys } from './small-catalog';

/** The context of a session with default settings, over the small catalog. */
export function smallContext(overrides: Partial<AnalysisContext> = {}): AnalysisContext {
  return {
    catalog: smallCatalog(),
    searchPath: ['pg_catalog', 'public'],
    temporaryRelations: new Set(),
    partitionKeys: smallKeys,
    parameter: () => undefined,
    ...overrides,
  };
}

/** The one statement of a text; throws if it is of a kind that is left alone. */
export function parseRestrictable(text: string): Restrictable {
  const [tree, ...others] = parseStatements(text);
  const statement = tree === undefined || others.length > 0 ? undefined : restrictableOf(tree);
  if (statement === undefined) throw new Error('not a statement that may be restricted');
  return statement;
}

export function parseSelect(text: string): SelectStmt {
  return parseRestrictable(text).query;
}

/** Analyses a SELECT; throws if it is refused. */
export function analyseText(text: string, context: AnalysisContext = smallContext()): AnalysedStatement {
  const analysis = analyse(parseRestrictable(text), context);
  if ('refused' in analysis) throw new Error(`refused: ${analysis.refused}`);
  return analysis;
}

/** The first block of a statement that has a partition key. */
export function firstBlock(text: string, context?: AnalysisContext): AnalysedBlock {
  const [block] = analyseText(text, context).blocks;
  if (block === undefined) throw new Error('no block');
  return block;
}

/** A block's conjuncts with aliases in place of numbers, as they would stand in a fragment. */
export function conjunctTexts(block: AnalysedBlock): readonly string[] {
  return block.conjuncts.map(({ template, tables }) =>
    renderTemplate(template, (number) => block.tables[tables[number] ?? -1]?.alias ?? '?'),
  );
}
