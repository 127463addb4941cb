import type { SelectStmt } from '@pgsql/types';
import { qualifiedName } from '../../query/ast/names';
import { nodesOf, type StatementNode } from '../../query/analysis/statement-nodes';
import type { Catalog } from '../../query/catalog/catalog';
import type { CandidateStatement } from '../candidate-statement';

/** Aggregates whose result does not depend on the order of the rows, but for the last digits of floats. */
const orderless: ReadonlySet<string> = new Set([
  ...['count', 'sum', 'avg', 'min', 'max', 'bool_and', 'bool_or', 'every', 'bit_and', 'bit_or', 'bit_xor'],
  ...['stddev', 'stddev_pop', 'stddev_samp', 'variance', 'var_pop', 'var_samp'],
]);

/**
 * Whether the rows of a statement are the same however it is planned, so that a difference between two forms of it means something: nothing in
 * it picks rows by an order that leaves a choice, as LIMIT, DISTINCT ON, window functions and `array_agg` do.
 */
export function isComparable({ isSingle, statements }: CandidateStatement, catalog: Catalog): boolean {
  const [only] = statements;
  if (!isSingle || only?.kind !== 'select') return false;
  return nodesOf(only).all.every(({ kind, fields }: StatementNode) => {
    if (kind === 'SelectStmt') return isOrderless(fields);
    if (kind !== 'FuncCall') return true;
    if (fields['over'] !== undefined || fields['agg_within_group'] === true) return false;
    const name = qualifiedName(fields['funcname'] as Parameters<typeof qualifiedName>[0]);
    return name !== undefined && (orderless.has(name.name) || !catalog.isAnyAggregate(name.name));
  });
}

/** Branches of a set operation are fields of it, not nodes by themselves. */
function isOrderless({ limitCount, limitOffset, distinctClause, larg, rarg }: SelectStmt): boolean {
  const picksFirst = distinctClause?.some((node) => Object.keys(node).length > 0) === true;
  const areBranchesOrderless = [larg, rarg].every((branch) => branch === undefined || isOrderless(branch));
  return limitCount === undefined && limitOffset === undefined && !picksFirst && areBranchesOrderless;
}
