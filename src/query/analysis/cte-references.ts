import type { CommonTableExpr, RangeVar, SelectStmt, WithClause } from '@pgsql/types';
import { walk } from '../ast/walk';
import type { Restrictable } from './restrictable';
import { nodesOf } from './statement-nodes';

/** The names in FROM that mean a CTE, each with the CTE; by identity. */
export type CteReferences = ReadonlyMap<RangeVar, CommonTableExpr>;

/** The CTEs that a name may mean somewhere. */
type Environment = ReadonlyMap<string, CommonTableExpr>;

const nothing: Environment = new Map();

/**
 * Finds what the names in a statement mean by the rules of the manual's section "WITH Queries", without RECURSIVE: a CTE is
 * seen by those behind it and by the query it belongs to, with all that is nested there; an inner one hides an outer one, and
 * both hide a table:
 *
 *   WITH place AS (SELECT * FROM place WHERE …) SELECT * FROM place     -- the first is the table, the second the CTE
 */
export function cteReferences(statement: Restrictable): CteReferences {
  const known = referencesIn.get(statement);
  if (known !== undefined) return known;
  const { evaluated, outerWith } = statement;
  const references = new Map<RangeVar, CommonTableExpr>();
  if (nodesOf(statement).kinds.has('CommonTableExpr')) {
    const outer = visitWith(outerWith, nothing, references);
    for (const part of [evaluated].flat()) if (part !== outerWith) visit(part, outer, references);
  }
  referencesIn.set(statement, references);
  return references;
}

/** They are asked for by whoever looks into a statement. */
const referencesIn = new WeakMap<Restrictable, CteReferences>();

function visit(node: unknown, environment: Environment, references: Map<RangeVar, CommonTableExpr>): void {
  walk(node, (kind, fields) => {
    if (kind === 'SelectStmt') {
      visitSelect(fields, environment, references);
      return false;
    }
    if (kind === 'RangeVar') {
      const { schemaname, relname = '' }: RangeVar = fields;
      const cte = schemaname === undefined ? environment.get(relname) : undefined;
      if (cte !== undefined) references.set(fields, cte);
    }
    return true;
  });
}

function visitSelect(
  { withClause, larg, rarg, ...others }: SelectStmt,
  environment: Environment,
  references: Map<RangeVar, CommonTableExpr>,
): void {
  const inner = visitWith(withClause, environment, references);
  for (const branch of [larg, rarg]) if (branch !== undefined) visitSelect(branch, inner, references);
  visit(others, inner, references);
}

/** Visits the CTEs themselves; returns what the query behind them sees. */
function visitWith(
  withClause: WithClause | undefined,
  environment: Environment,
  references: Map<RangeVar, CommonTableExpr>,
): Environment {
  if (withClause?.ctes === undefined) return environment;
  const seen = new Map(environment);
  for (const node of withClause.ctes) {
    if (!('CommonTableExpr' in node)) continue;
    const cte = node.CommonTableExpr;
    // A copy: what was visited before must not see what comes behind it.
    visit(cte.ctequery, new Map(seen), references);
    if (cte.ctename !== undefined) seen.set(cte.ctename, cte);
  }
  return seen;
}
