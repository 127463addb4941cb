import type { Node } from '@pgsql/types';
import { renumberTemplate, tablesOf, type Template } from '../ast/template';
import { isUnusable, type ColumnReference, type Expression, type ExpressionScope } from './expression';
import { betweenAsComparisons } from './expressions/between';
import { comparedTemplate } from './expressions/compared-constant';
import { isRow } from './expressions/row';
import { qualifiedName } from '../ast/names';
import { resolveOperator } from './resolve';
import { ColumnEqualities, isTransitiveEquality } from './key-classes';
import { TypeOid } from '../catalog/catalog';
import { widenedConditions } from './widening/widened-conditions';

/** A condition that holds for every row of a block, and can be evaluated over just its own tables. */
export interface Conjunct {
  /** Tables numbered in the order they first appear; equal templates over equal tables mean the same. */
  readonly template: Template;
  /** The block's tables, by those numbers. */
  readonly tables: readonly number[];
  /** An equality between the same column of two occurrences of one table: the tables, here ascending, may be taken in either order. */
  readonly isSymmetric: boolean;
  /** Tables that it reads in sub-selects, as schema.table; absent if there are none. */
  readonly reads?: readonly string[];
  /** Partition keys whose fragments do without it: they have a wider one in its place, or it was made for those of another. */
  readonly notLearnedFor?: ReadonlySet<string>;
}

/** What the conditions of a block say. */
export interface BlockConditions {
  readonly conjuncts: readonly Conjunct[];
  readonly equalities: ColumnEqualities;
  /** Why some conditions stay out of fragments. */
  readonly leftOut: readonly string[];
}

/** Reads conditions that are joined by AND: the WHERE clause and the ON clauses of inner joins. */
export function readConditions(conditions: readonly Node[], scope: ExpressionScope): BlockConditions {
  const conjuncts: Conjunct[] = [];
  const leftOut: string[] = [];
  const equalities = new ColumnEqualities();
  for (const node of conditions.flatMap(operandsOfAnd).flatMap(plainConditions)) {
    if (noteEquality(node, scope, equalities)) continue;
    const expression = scope.canonicalise(node);
    if (isUnusable(expression)) leftOut.push(expression.unusable);
    else if (tablesOf(expression.template).length > 0)
      conjuncts.push(...conjunctsOf(node, expression, scope));
  }
  return { conjuncts: distinctConjuncts(conjuncts), equalities, leftOut };
}

/** The operands of an AND, at any depth of parentheses; the node itself if it is something else. */
export function operandsOfAnd(node: Node): readonly Node[] {
  if ('BoolExpr' in node && node.BoolExpr.boolop === 'AND_EXPR')
    return (node.BoolExpr.args ?? []).flatMap(operandsOfAnd);
  return [node];
}

/**
 * `(a, b) = (c, d)` as `a = c` and `b = d`, and `a IN (b)` as `a = b`: what they say of a key is then seen. Each bound of a
 * BETWEEN is a condition of its own.
 */
function plainConditions(node: Node): readonly Node[] {
  if ('A_Expr' in node && node.A_Expr.kind === 'AEXPR_BETWEEN') {
    const comparisons = betweenAsComparisons(node.A_Expr);
    return comparisons === undefined ? [node] : operandsOfAnd(comparisons);
  }
  if (!('A_Expr' in node) || qualifiedName(node.A_Expr.name)?.name !== '=') return [node];
  const { kind, name, lexpr, rexpr } = node.A_Expr;
  if (lexpr === undefined || rexpr === undefined || name === undefined) return [node];
  const equality = (left: Node, right: Node): Node => ({
    A_Expr: { kind: 'AEXPR_OP', name, lexpr: left, rexpr: right },
  });
  if (kind === 'AEXPR_IN' && 'List' in rexpr) {
    const [only, ...others] = rexpr.List.items ?? [];
    return only === undefined || others.length > 0 ? [node] : plainConditions(equality(lexpr, only));
  }
  if (kind !== 'AEXPR_OP' || !isRow(lexpr) || !isRow(rexpr)) return [node];
  const [lefts, rights] = [lexpr.RowExpr.args ?? [], rexpr.RowExpr.args ?? []];
  if (lefts.length !== rights.length) return [node];
  return lefts.flatMap((left, i) => {
    const right = rights[i];
    return right === undefined ? [] : plainConditions(equality(left, right));
  });
}

/** The conjunct that a condition is, and those that follow from it with wider constants (`bucket_steps`). */
function conjunctsOf(node: Node, expression: Expression, scope: ExpressionScope): readonly Conjunct[] {
  const conjunct = conjunctOf(expression, scope);
  const widened = widenedConditions(node, expression, scope);
  if (widened.length === 0) return [conjunct];
  const names = scope.partitionKeys.map(({ name }) => name);
  return [
    { ...conjunct, notLearnedFor: new Set(widened.flatMap(({ partitionKeys }) => [...partitionKeys])) },
    ...widened.map(({ expression: wider, partitionKeys }) => ({
      ...conjunctOf(wider, scope),
      notLearnedFor: new Set(names.filter((name) => !partitionKeys.has(name))),
    })),
  ];
}

function conjunctOf({ template, reads }: Expression, scope: ExpressionScope): Conjunct {
  const tables = tablesOf(template);
  const renumbered = renumberTemplate(template, (table) => tables.indexOf(table));
  if (!isSymmetric(renumbered, tables, scope))
    return { template: renumbered, tables, isSymmetric: false, ...(reads.length > 0 ? { reads } : {}) };
  return { template: renumbered, tables: [...tables].sort((a, b) => a - b), isSymmetric: true };
}

/** `({0}."x" = {1}."x")` over two occurrences of one table reads the same with the tables exchanged. */
function isSymmetric(template: Template, tables: readonly number[], scope: ExpressionScope): boolean {
  const [left, right] = tables.map((table) => scope.tables[table]?.relation);
  return (
    tables.length === 2 &&
    left === right &&
    /^\(\{0\}\.("(?:[^"{}]|"")*") (?:=|<>) \{1\}\.\1\)$/.test(template)
  );
}

/** Of two that are the same, one may be learned where the other is not: then it is. */
function distinctConjuncts(conjuncts: readonly Conjunct[]): readonly Conjunct[] {
  const seen = new Map<string, Conjunct>();
  for (const conjunct of conjuncts) {
    const name = `${conjunct.template} ${conjunct.tables.join(',')}`;
    const same = seen.get(name);
    seen.set(name, same === undefined ? conjunct : learnedLikeBoth(same, conjunct));
  }
  return [...seen.values()];
}

function learnedLikeBoth(one: Conjunct, other: Conjunct): Conjunct {
  const { notLearnedFor, ...conjunct } = one;
  const neither = [...(notLearnedFor ?? [])].filter((name) => other.notLearnedFor?.has(name) === true);
  return neither.length === 0 ? conjunct : { ...conjunct, notLearnedFor: new Set(neither) };
}

/**
 * Takes note of `column = column` and `column = constant`. Returns true if the equality is between key columns of one
 * class and needs no conjunct of its own: the fragment equates its tables' keys anyway.
 */
function noteEquality(node: Node, scope: ExpressionScope, equalities: ColumnEqualities): boolean {
  if (!('A_Expr' in node) || node.A_Expr.kind !== 'AEXPR_OP') return false;
  const name = qualifiedName(node.A_Expr.name);
  if (name?.name !== '=') return false;
  const left = scope.canonicalise(node.A_Expr.lexpr);
  const right = scope.canonicalise(node.A_Expr.rexpr);
  if (isUnusable(left) || isUnusable(right)) return false;
  const resolution = resolveOperator(scope.catalog, scope.searchPath, name, left.typeOid, right.typeOid);
  if (resolution?.isBuiltin !== true || !resolution.isImmutable) return false;

  if (left.column !== undefined && right.column !== undefined) {
    if (!isEquivalence(left.column, right.column, scope)) return false;
    equalities.equate(left.column, right.column);
    return isKeyEquality(left, right, scope);
  }
  const [side, constant] = left.column === undefined ? [right, left] : [left, right];
  if (side.column === undefined || tablesOf(constant.template).length > 0) return false;
  // By COLLATE two different strings may be equal to one.
  if (constant.template === 'NULL' || constant.collations.length > 0) return false;
  // Under a collation that ignores case a column can equal both 'x' and 'X', which makes these two no more equal.
  if (!isDeterministic(side.column)) return false;
  if (
    constant.typeOid === TypeOid.unknown ||
    isTransitiveEquality(scope.catalog, side.typeOid, constant.typeOid)
  ) {
    const position = constant === left ? 0 : 1;
    const text = comparedTemplate(
      { operand: constant, position, name, resolution, otherOid: side.typeOid },
      scope,
    );
    const baseOid = scope.catalog.baseTypeOid(side.typeOid);
    equalities.equateConstant(side.column, integers.has(baseOid) ? TypeOid.int8 : baseOid, text);
  }
  return false;
}

/** A constant that equals columns of several of these makes them equal. */
const integers: ReadonlySet<number> = new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8]);

/**
 * Whether two columns that `=` holds between are one class (rule S2). The `=` of JOIN … USING is looked for in the search
 * path like any other, where somebody's own may come first.
 */
export function equalityOf(
  scope: ExpressionScope,
): (left: ColumnReference, right: ColumnReference) => boolean {
  return (left, right) => {
    const name = { schema: undefined, name: '=' };
    const resolution = resolveOperator(scope.catalog, scope.searchPath, name, left.typeOid, right.typeOid);
    return resolution?.isBuiltin === true && resolution.isImmutable && isEquivalence(left, right, scope);
  };
}

/** Whether PostgreSQL's `=` between the columns is transitive: within a family of types, and telling all values apart. */
function isEquivalence(left: ColumnReference, right: ColumnReference, scope: ExpressionScope): boolean {
  return (
    isTransitiveEquality(scope.catalog, left.typeOid, right.typeOid) &&
    isDeterministic(left) &&
    isDeterministic(right)
  );
}

function isDeterministic({ table, name }: ColumnReference): boolean {
  return table.relation.columns.get(name)?.hasDeterministicCollation === true;
}

/** Both are the key column of one partition key, in different tables. */
function isKeyEquality(left: Expression, right: Expression, scope: ExpressionScope): boolean {
  return left.column?.table !== right.column?.table && isKeyColumn(left, scope) && isKeyColumn(right, scope);
}

function isKeyColumn({ column }: Expression, scope: ExpressionScope): boolean {
  if (column === undefined) return false;
  const table = `${column.table.relation.schema}.${column.table.relation.name}`;
  return scope.partitionKeys.some((key) => key.tables.get(table) === column.name);
}
