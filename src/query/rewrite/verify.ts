import type { Node, RawStmt, SelectStmt } from '@pgsql/types';
import { parseOwnText } from '../ast/parser';
import { isSameTree } from './same-tree';

/** The restrictions a block is meant to have got, in order. */
export interface ExpectedRestriction {
  readonly select: SelectStmt;
  readonly restrictions: readonly string[];
}

/**
 * Rule S9: whether a rewritten text parses to the original trees plus exactly the given conjuncts. It does not trust where
 * the restrictions were put, or that they are what they look like: PostgreSQL's own parser says what the text means.
 */
export function isExactlyRestricted(
  original: readonly RawStmt[],
  rewritten: string,
  expected: readonly ExpectedRestriction[],
): boolean {
  return isSameTree(parseOwnText(rewritten), original, new Map(expected.map(withRestrictions)));
}

/** A block, and what it is to be with its restrictions. */
function withRestrictions({ select, restrictions }: ExpectedRestriction): readonly [SelectStmt, SelectStmt] {
  const whereClause = conjoin(select.whereClause, restrictions.map(parseCondition));
  return [select, whereClause === undefined ? select : { ...select, whereClause }];
}

/** `old AND added…` as PostgreSQL's grammar builds it: an AND on the left takes further operands (makeAndExpr in gram.y). */
function conjoin(old: Node | undefined, added: readonly Node[]): Node | undefined {
  const operands = old === undefined ? added : [...leftOperands(old), ...added];
  const [first] = operands;
  return operands.length < 2 ? first : { BoolExpr: { boolop: 'AND_EXPR', args: [...operands] } };
}

function leftOperands(node: Node): readonly Node[] {
  return 'BoolExpr' in node && node.BoolExpr.boolop === 'AND_EXPR' ? (node.BoolExpr.args ?? []) : [node];
}

function parseCondition(sql: string): Node {
  const [statement] = parseOwnText(`SELECT WHERE ${sql}`);
  const condition =
    statement?.stmt !== undefined && 'SelectStmt' in statement.stmt
      ? statement.stmt.SelectStmt.whereClause
      : undefined;
  if (condition === undefined) throw new Error(`not a condition: ${sql}`);
  return condition;
}
