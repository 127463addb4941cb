import type { Node, RawStmt, SelectStmt } from '@pgsql/types';
import { parseOwnText } from '../ast/parser';
import { isSameTree } from './same-tree';

/** The restrictions a block is meant to have got, in order. */
export interface ExpectedRestriction {
  readonly select: SelectStmt;
  readonly restrictions: readonly string[];
}

/** A query that is to skip rows it did not skip: as many as an expression says. */
export interface ExpectedOffset {
  readonly query: SelectStmt;
  readonly offset: string;
}

/**
 * Rule S9: whether a rewritten text parses to the original trees plus exactly the given conjuncts, and the offset. It does not trust where
 * they were put, or that they are what they look like: PostgreSQL's own parser says what the text means.
 */
export function isExactlyRestricted(
  original: readonly RawStmt[],
  rewritten: string,
  expected: readonly ExpectedRestriction[],
  added?: ExpectedOffset,
): boolean {
  const conditions = parseConditions(expected.flatMap(({ restrictions }) => restrictions));
  const replaced = new Map<SelectStmt, SelectStmt>();
  let next = 0;
  for (const { select, restrictions } of expected) {
    const whereClause = conjoin(select.whereClause, conditions.slice(next, (next += restrictions.length)));
    replaced.set(select, whereClause === undefined ? select : { ...select, whereClause });
  }
  if (added !== undefined) {
    const [limitOffset] = parseConditions([added.offset]);
    const { limitOption } = added.query;
    const query = replaced.get(added.query) ?? added.query;
    replaced.set(added.query, {
      ...query,
      ...(limitOffset === undefined ? {} : { limitOffset }),
      // With OFFSET alone, as with LIMIT.
      limitOption: limitOption === 'LIMIT_OPTION_WITH_TIES' ? limitOption : 'LIMIT_OPTION_COUNT',
    });
  }
  return isSameTree(parseOwnText(rewritten), original, replaced);
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

/** Conditions that were parsed before: statements of one application are restricted to the same few sets, on the same columns. */
const known = new Map<string, Node>();
const maxKnown = 200;
/** Longer ones are not kept. */
const maxKnownLength = 2_000;

/** All at once, each as a statement: most of the time that parsing a short text takes is taken by any text. */
function parseConditions(texts: readonly string[]): readonly Node[] {
  const parsed = parseEach([...new Set(texts.filter((sql) => !known.has(sql)))]);
  const conditions = texts.map((sql) => parsed.get(sql) ?? known.get(sql));
  for (const [sql, condition] of parsed) {
    if (known.size >= maxKnown) known.clear();
    if (sql.length <= maxKnownLength) known.set(sql, condition);
  }
  return conditions.filter((condition) => condition !== undefined);
}

function parseEach(distinct: readonly string[]): ReadonlyMap<string, Node> {
  if (distinct.length === 0) return new Map();
  const statements = parseOwnText(distinct.map((sql) => `SELECT WHERE ${sql}`).join(';'));
  return new Map(
    distinct.map((sql, i) => {
      const condition = conditionOf(statements[i]?.stmt);
      if (condition === undefined || statements.length !== distinct.length)
        throw new Error(`not a condition: ${sql}`);
      return [sql, condition];
    }),
  );
}

function conditionOf(statement: Node | undefined): Node | undefined {
  if (statement === undefined || !('SelectStmt' in statement)) return undefined;
  return statement.SelectStmt.whereClause;
}
