import type {
  A_Const,
  A_Expr,
  BoolExpr,
  BooleanTest,
  ColumnRef,
  Node,
  NullTest,
  TypeCast,
} from '@pgsql/types';
import { resolveOperator } from '../analysis/resolve';
import { qualifiedName, stringsOf } from '../ast/names';
import { TypeOid, type Catalog, type CatalogColumn } from '../catalog/catalog';
import { columnKind, isOrderedAlike, type ColumnKind } from './column-kind';
import { readPattern, type Dialect } from './dialect';
import { readConstant } from './read-constant';

/** Something of a fragment that another database would not be sure to understand alike. Caught where the rendering began. */
export class NotRenderedError extends Error {
  override readonly name = 'NotRenderedError';
}

/** A column of the fragment, found by the alias of its table. */
export interface RenderedColumn {
  readonly column: CatalogColumn;
  readonly text: string;
  readonly kind: ColumnKind;
}

export interface ConditionScope {
  readonly dialect: Dialect;
  readonly catalog: Catalog;
  readonly searchPath: readonly string[];
  /** Throws NotRenderedError if there is none, or its kind is none that is the same elsewhere; notes that the fragment reads it. */
  readonly column: (alias: string, name: string) => RenderedColumn;
}

/**
 * A condition in another dialect, true for the same rows. Only what is known to mean the same is written; the rule for everything else is to
 * throw NotRenderedError, so that a node nobody thought of here makes no wrong key set. What is false in one database may not be NULL in another
 * either, for NOT may stand around it.
 */
export function renderCondition(node: Node, scope: ConditionScope): string {
  if ('BoolExpr' in node) return renderLogic(node.BoolExpr, scope);
  if ('A_Expr' in node) return renderComparison(node.A_Expr, scope);
  if ('NullTest' in node) return renderNullTest(node.NullTest, scope);
  if ('BooleanTest' in node) return renderBooleanTest(node.BooleanTest, scope);
  if ('ColumnRef' in node) {
    const column = columnOf(node.ColumnRef, scope);
    if (column.kind !== 'boolean') throw new NotRenderedError(`${column.column.name} is no condition`);
    return scope.dialect.truth(column.text);
  }
  if ('A_Const' in node && node.A_Const.boolval !== undefined)
    return node.A_Const.boolval.boolval === true ? '(1 = 1)' : '(1 = 0)';
  throw notRendered(node);
}

function renderLogic({ boolop, args = [] }: BoolExpr, scope: ConditionScope): string {
  const parts = args.map((arg) => renderCondition(arg, scope));
  const [first] = parts;
  if (first === undefined) throw new NotRenderedError('an empty condition');
  if (boolop === 'NOT_EXPR') return `(NOT ${first})`;
  return `(${parts.join(boolop === 'OR_EXPR' ? ' OR ' : ' AND ')})`;
}

function renderNullTest({ arg, nulltesttype }: NullTest, scope: ConditionScope): string {
  const text =
    arg !== undefined && 'ColumnRef' in arg
      ? columnOf(arg.ColumnRef, scope).text
      : renderCondition(given(arg), scope);
  return `(${text} IS ${nulltesttype === 'IS_NOT_NULL' ? 'NOT ' : ''}NULL)`;
}

const booleanTests: ReadonlyMap<string, string> = new Map([
  ['IS_TRUE', 'IS TRUE'],
  ['IS_NOT_TRUE', 'IS NOT TRUE'],
  ['IS_FALSE', 'IS FALSE'],
  ['IS_NOT_FALSE', 'IS NOT FALSE'],
  ['IS_UNKNOWN', 'IS NULL'],
  ['IS_NOT_UNKNOWN', 'IS NOT NULL'],
]);

function renderBooleanTest({ arg, booltesttype }: BooleanTest, scope: ConditionScope): string {
  const test = booleanTests.get(booltesttype ?? '');
  if (test === undefined) throw new NotRenderedError('a test of a condition');
  return `(${renderCondition(given(arg), scope)} ${test})`;
}

const comparisons: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);
const equalities: ReadonlySet<string> = new Set(['=', '<>']);
const likes: ReadonlySet<string> = new Set(['~~', '!~~']);

function renderComparison(expr: A_Expr, scope: ConditionScope): string {
  const name = qualifiedName(expr.name)?.name ?? '';
  if (expr.kind !== 'AEXPR_OP' && expr.kind !== 'AEXPR_IN' && expr.kind !== 'AEXPR_LIKE')
    throw new NotRenderedError(`the operator ${name} in this form`);
  if (likes.has(name)) return renderLike(expr, name === '!~~', scope);
  if (!comparisons.has(name)) throw new NotRenderedError(`the operator ${name}`);
  const [left, right] = [given(expr.lexpr), given(expr.rexpr)];
  if (expr.kind === 'AEXPR_IN') return renderIn(expr, left, right, name, scope);
  if ('ColumnRef' in left && 'ColumnRef' in right) {
    const [one, other] = [columnOf(left.ColumnRef, scope), columnOf(right.ColumnRef, scope)];
    if (one.kind !== other.kind)
      throw new NotRenderedError(
        `the comparison of ${one.column.name} and ${other.column.name}, which are of different kinds`,
      );
    checkOperator(expr, one.column.typeOid, other.column.typeOid, one, scope);
    checkOperator(expr, one.column.typeOid, other.column.typeOid, other, scope);
    return `(${operand(one, scope)} ${name} ${operand(other, scope)})`;
  }
  if ('ColumnRef' in left) {
    const column = columnOf(left.ColumnRef, scope);
    checkOperator(expr, column.column.typeOid, typeOf(right, scope), column, scope);
    return `(${operand(column, scope)} ${name} ${constant(right, column, scope)})`;
  }
  if ('ColumnRef' in right) {
    const column = columnOf(right.ColumnRef, scope);
    checkOperator(expr, typeOf(left, scope), column.column.typeOid, column, scope);
    return `(${constant(left, column, scope)} ${name} ${operand(column, scope)})`;
  }
  throw new NotRenderedError('a comparison of something that is computed');
}

function renderIn(expr: A_Expr, left: Node, right: Node, name: string, scope: ConditionScope): string {
  if (!('ColumnRef' in left) || !('List' in right)) throw new NotRenderedError('this form of IN');
  const column = columnOf(left.ColumnRef, scope);
  const items = (right.List.items ?? []).map((item) => {
    checkOperator(expr, column.column.typeOid, typeOf(item, scope), column, scope);
    return constant(item, column, scope);
  });
  return `(${operand(column, scope)} ${name === '=' ? 'IN' : 'NOT IN'} (${items.join(', ')}))`;
}

function renderLike(expr: A_Expr, isNegated: boolean, scope: ConditionScope): string {
  const [left, right] = [given(expr.lexpr), given(expr.rexpr)];
  if (!('ColumnRef' in left)) throw new NotRenderedError('LIKE of something that is computed');
  const column = columnOf(left.ColumnRef, scope);
  checkOperator(expr, column.column.typeOid, typeOf(right, scope), column, scope);
  const pattern = 'A_Const' in right ? right.A_Const.sval?.sval : undefined;
  if (column.kind !== 'text' || pattern === undefined || readPattern(pattern) === undefined)
    throw new NotRenderedError('this pattern of LIKE');
  const text = scope.dialect.like(column.text, pattern);
  return isNegated ? `(NOT ${text})` : text;
}

/** Throws unless PostgreSQL takes its own operator for these types, and it means the same elsewhere for the column. */
function checkOperator(
  expr: A_Expr,
  leftOid: number,
  rightOid: number,
  { column, kind }: RenderedColumn,
  { catalog, searchPath }: ConditionScope,
): void {
  const name = qualifiedName(expr.name);
  const resolution =
    name === undefined ? undefined : resolveOperator(catalog, searchPath, name, leftOid, rightOid);
  if (resolution?.isBuiltin !== true)
    throw new NotRenderedError(`an operator ${name?.name ?? ''} that is not PostgreSQL's own`);
  // Of an integer and 2.5 PostgreSQL makes numerics; those columns are compared as what they are.
  if (resolution.operandOids.some((oid) => columnKind(catalog, { typeOid: oid }) !== kind))
    throw new NotRenderedError(`a comparison of ${column.name} with a value of another type`);
  if (likes.has(resolution.name) || equalities.has(resolution.name)) {
    if (kind === 'text' && !column.hasDeterministicCollation)
      throw new NotRenderedError(`${column.name}, whose collation takes different texts for equal`);
  } else if (kind === 'boolean' || !isOrderedAlike(kind, column))
    throw new NotRenderedError(`the order of ${column.name}, which depends on its collation`);
}

/** Of a constant as it is written: a string alone has none yet. */
function typeOf(node: Node, { catalog, searchPath }: ConditionScope): number {
  if ('TypeCast' in node) {
    const name = qualifiedName(node.TypeCast.typeName?.names);
    const type = name === undefined ? undefined : catalog.typeByName(name, searchPath);
    if (type === undefined || hasModifiers(node.TypeCast))
      throw new NotRenderedError('a constant of this type');
    return type.oid;
  }
  if (!('A_Const' in node)) throw notRendered(node);
  const { ival, fval, boolval } = node.A_Const;
  if (ival !== undefined) return TypeOid.int4;
  if (boolval !== undefined) return TypeOid.bool;
  if (fval === undefined) return TypeOid.unknown;
  return /^-?\d+$/.test(fval.fval ?? '') && readConstant(fval.fval ?? '', 'integer') !== undefined
    ? TypeOid.int8
    : TypeOid.numeric;
}

function hasModifiers({ typeName }: TypeCast): boolean {
  return (typeName?.typmods ?? []).length > 0 || (typeName?.arrayBounds ?? []).length > 0;
}

function constant(node: Node, { column, kind }: RenderedColumn, scope: ConditionScope): string {
  const text = constantText(node);
  const value = text === undefined ? undefined : readConstant(text, kind);
  const rendered = value === undefined ? undefined : scope.dialect.constant(value);
  if (rendered === undefined) throw new NotRenderedError(`the constant that ${column.name} is compared with`);
  return rendered;
}

/** NULL has no text: nothing compares with it. */
function constantText(node: Node): string | undefined {
  if ('TypeCast' in node)
    return node.TypeCast.arg === undefined ? undefined : constantText(node.TypeCast.arg);
  return 'A_Const' in node ? textOf(node.A_Const) : undefined;
}

function textOf({ isnull, sval, ival, fval, boolval }: A_Const): string | undefined {
  if (isnull === true) return undefined;
  if (sval !== undefined) return sval.sval ?? '';
  if (ival !== undefined) return String(ival.ival ?? 0);
  if (boolval !== undefined) return boolval.boolval === true ? 'true' : 'false';
  return fval?.fval;
}

function operand({ text, kind }: RenderedColumn, { dialect }: ConditionScope): string {
  return dialect.operand(text, kind);
}

function columnOf({ fields }: ColumnRef, scope: ConditionScope): RenderedColumn {
  const [alias, name, ...others] = stringsOf(fields) ?? [];
  if (alias === undefined || name === undefined || others.length > 0)
    throw new NotRenderedError('this form of a column');
  return scope.column(alias, name);
}

function given(node: Node | undefined): Node {
  if (node === undefined) throw new NotRenderedError('an expression without an operand');
  return node;
}

function notRendered(node: Node): NotRenderedError {
  return new NotRenderedError(`an expression of the kind ${Object.keys(node)[0] ?? ''}`);
}
