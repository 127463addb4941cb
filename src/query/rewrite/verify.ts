import type { Node, RawStmt, SelectStmt } from '@pgsql/types';
import { parseStatements } from '../ast/parser';

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
  return (
    withoutLocations(parseStatements(rewritten)) === withoutLocations(withRestrictions(original, expected))
  );
}

const locationFields: ReadonlySet<string> = new Set([
  'location', 'rexpr_list_start', 'rexpr_list_end', 'list_start', 'list_end', 'stmt_location', 'stmt_len',
]); // prettier-ignore

function withoutLocations(tree: unknown): string {
  return JSON.stringify(sortedFields(tree));
}

/** Fields in one order: the parser writes them in its own, a tree with a WHERE added has it last. */
function sortedFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedFields);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .filter(([name, child]) => !locationFields.has(name) && child !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, child]) => [name, sortedFields(child)]);
}

/** A copy of the trees in which the given blocks, found by identity, have their restrictions. */
function withRestrictions(trees: readonly RawStmt[], expected: readonly ExpectedRestriction[]): unknown {
  const bySelect = new Map<unknown, readonly string[]>(
    expected.map(({ select, restrictions }) => [select, restrictions]),
  );
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== 'object' || value === null) return value;
    const fields: Record<string, unknown> = {};
    for (const [name, child] of Object.entries(value)) fields[name] = copy(child);
    const restrictions = bySelect.get(value);
    if (restrictions !== undefined) {
      fields['whereClause'] = conjoin(
        fields['whereClause'] as Node | undefined,
        restrictions.map(parseCondition),
      );
    }
    return fields;
  };
  return copy(trees);
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
  const [statement] = parseStatements(`SELECT WHERE ${sql}`);
  const condition =
    statement?.stmt !== undefined && 'SelectStmt' in statement.stmt
      ? statement.stmt.SelectStmt.whereClause
      : undefined;
  if (condition === undefined) throw new Error(`not a condition: ${sql}`);
  return condition;
}
