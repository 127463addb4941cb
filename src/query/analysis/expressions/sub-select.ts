import type { ColumnRef, FuncCall, Node, SelectStmt, SubLink } from '@pgsql/types';
import { qualifiedName, stringsOf } from '../../ast/names';
import { quoteIdentifier } from '../../ast/quote';
import { escapeTemplate, renumberTemplate, type Template } from '../../ast/template';
import { TypeOid } from '../../catalog/catalog';
import { readFromClause, type BlockTable } from '../block-tables';
import { operandsOfAnd } from '../conjuncts';
import { depthOf, subselectScope } from '../expression-scope';
import {
  canonicaliseAll,
  combined,
  isUnusable,
  unusable,
  type Expression,
  type ExpressionScope,
  type Unusable,
} from '../expression';
import { resolveFunction } from '../resolve';
import { applyOperator, inOrder, operatorText } from './apply-operator';

/**
 * EXISTS, IN, ANY and ALL over a sub-select, and one that is a value, where it reads nothing but rows of tracked tables, which
 * are known not to change unseen, and says nothing about their order or number: SELECT, FROM with inner joins, WHERE. It may
 * refer to the tables around it.
 */
export function canonicaliseSubLink(link: SubLink, scope: ExpressionScope): Expression | Unusable {
  const select =
    link.subselect !== undefined && 'SelectStmt' in link.subselect ? link.subselect.SelectStmt : undefined;
  if (select === undefined) return unusable('unsupported sub-select');
  const read = readSubselect(select, scope);
  if (isUnusable(read)) return read;
  switch (link.subLinkType) {
    case 'EXISTS_SUBLINK':
      return exists(select, read);
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK':
      return quantified(link, select, read, scope);
    case 'EXPR_SUBLINK':
      return value(select, read);
    default:
      return unusable('unsupported sub-select');
  }
}

interface Subselect {
  readonly scope: ExpressionScope;
  readonly conditions: readonly Expression[];
  /** Names of the tables it reads, with those that its own sub-selects read. */
  readonly reads: readonly string[];
}

/** Anything but these makes it depend on more than which rows there are, or on something that is not understood. */
const readClauses: ReadonlySet<string> = new Set([
  'targetList',
  'fromClause',
  'whereClause',
  'limitOption',
  'op',
]);

function readSubselect(select: SelectStmt, outer: ExpressionScope): Subselect | Unusable {
  const hasOtherClauses = Object.entries(select).some(
    ([clause, content]) => !readClauses.has(clause) && content !== false && content !== undefined,
  );
  if (hasOtherClauses || select.op !== 'SETOP_NONE' || !(select.fromClause ?? []).every(isInnerJoin))
    return unusable('unsupported sub-select');
  const from = readFromClause(select.fromClause, {
    relation: (name) => outer.relationOf(name),
    derived: () => undefined,
  });
  if ('refused' in from || from.tables.length === 0) return unusable('unsupported sub-select');
  if (
    from.tables.length !== countTables(select.fromClause) ||
    !from.tables.every((table) => isTracked(table, outer))
  )
    return unusable('sub-select over a table that is not tracked');
  const scope = subselectScope(outer, from.tables);
  const where = select.whereClause === undefined ? [] : [select.whereClause];
  const conditions = canonicaliseAll([...from.conditions, ...where].flatMap(operandsOfAnd), scope);
  if ('unusable' in conditions) return conditions;
  const names = from.tables.map(({ relation }) => `${relation.schema}.${relation.name}`);
  return { scope, conditions, reads: [...new Set([...names, ...combined(conditions).reads])].sort() };
}

function isInnerJoin(item: Node): boolean {
  if ('RangeVar' in item) return (item.RangeVar.alias?.colnames ?? []).length === 0;
  if (!('JoinExpr' in item)) return false;
  const { jointype, usingClause, isNatural, alias, larg, rarg } = item.JoinExpr;
  const isPlain = usingClause === undefined && isNatural !== true && alias === undefined;
  return (
    jointype === 'JOIN_INNER' &&
    isPlain &&
    larg !== undefined &&
    rarg !== undefined &&
    [larg, rarg].every(isInnerJoin)
  );
}

function countTables(items: readonly Node[] | undefined): number {
  return (items ?? []).reduce(
    (count, item) =>
      count + ('JoinExpr' in item ? countTables([item.JoinExpr.larg, item.JoinExpr.rarg].filter(isNode)) : 1),
    0,
  );
}

function isNode(node: Node | undefined): node is Node {
  return node !== undefined;
}

/** Not a view: its definition would have to be part of the condition. */
function isTracked({ relation }: BlockTable, { partitionKeys }: ExpressionScope): boolean {
  if (relation.kind === 'v') return false;
  return partitionKeys.some(({ tables }) => tables.has(`${relation.schema}.${relation.name}`));
}

/** Which columns it selects does not matter, as long as each row stays one row. */
function exists(select: SelectStmt, read: Subselect): Expression | Unusable {
  const isPlain = (target: Node): boolean => {
    const node = 'ResTarget' in target ? target.ResTarget.val : undefined;
    if (node === undefined) return false;
    // What is written like a column may be a call of a function that makes several rows of one, or none.
    if ('ColumnRef' in node) return !mayCallFunction(node.ColumnRef, read.scope);
    return 'A_Const' in node;
  };
  if (!(select.targetList ?? []).every(isPlain)) return unusable('unsupported sub-select');
  return {
    ...ofRead(read, []),
    template: `(EXISTS (${textOf('1', read)}))`,
    typeOid: TypeOid.bool,
    collations: [],
  };
}

function mayCallFunction({ fields }: ColumnRef, { catalog }: ExpressionScope): boolean {
  const name = stringsOf((fields ?? []).slice(-1))?.[0];
  return name !== undefined && catalog.functionsOfRow(name).length > 0;
}

function quantified(
  link: SubLink,
  select: SelectStmt,
  read: Subselect,
  scope: ExpressionScope,
): Expression | Unusable {
  const left = scope.canonicalise(link.testexpr);
  if (isUnusable(left)) return left;
  const target = targetOf(select, read.scope);
  if (isUnusable(target)) return target;
  if (target.typeOid === TypeOid.unknown) return unusable('sub-select of an untyped constant');
  const name = qualifiedName(link.operName) ?? { schema: undefined, name: '=' };
  const applied = applyOperator(name, left, target, scope);
  if (isUnusable(applied)) return applied;
  if (applied.resolution.resultOid !== TypeOid.bool) return unusable('unsupported sub-select');
  const quantifier = link.subLinkType === 'ANY_SUBLINK' ? 'ANY' : 'ALL';
  const flags = ofRead(read, [left, target]);
  return {
    ...flags,
    template: `(${left.template} ${operatorText(name)} ${quantifier} (${textOf(target.template, read)}))`,
    typeOid: TypeOid.bool,
    mayRaise: flags.mayRaise || applied.mayRaise,
    collations: [],
  };
}

/** A column, of which there may be more than one, which is an error; or an aggregate of all rows. */
function value(select: SelectStmt, read: Subselect): Expression | Unusable {
  const node = targetNode(select);
  const aggregate =
    node !== undefined && 'FuncCall' in node ? aggregateOf(node.FuncCall, read.scope) : undefined;
  if (aggregate !== undefined) {
    return isUnusable(aggregate)
      ? aggregate
      : {
          ...ofRead(read, [aggregate]),
          template: `(${textOf(aggregate.template, read)})`,
          typeOid: aggregate.typeOid,
        };
  }
  if (node === undefined || !('ColumnRef' in node)) return unusable('unsupported sub-select');
  const target = read.scope.canonicalise(node);
  if (isUnusable(target)) return target;
  return {
    ...ofRead(read, [target]),
    template: `(${textOf(target.template, read)})`,
    typeOid: target.typeOid,
    mayRaise: true,
  };
}

const exact: ReadonlySet<number> = new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8, TypeOid.numeric]);
/** Types of which equal values are the same: of others, max() may be any of those that are equal. */
const ordered: ReadonlySet<number> = new Set([
  TypeOid.int2,
  TypeOid.int4,
  TypeOid.int8,
  TypeOid.date,
  TypeOid.timestamp,
  TypeOid.timestamptz,
]);

/** An aggregate whose value depends on the rows alone, not on the order they come in: floats add up to different sums. */
function aggregateOf(call: FuncCall, scope: ExpressionScope): Expression | Unusable {
  const { funcname, args = [], agg_star, agg_filter, agg_order, agg_distinct, over, agg_within_group } = call;
  const name = qualifiedName(funcname);
  const isDecorated = [agg_filter, agg_order, over].some((clause) => clause !== undefined);
  if (name === undefined || isDecorated || agg_distinct === true || agg_within_group === true)
    return unusable('unsupported aggregate');
  const inputs = canonicaliseAll(args, scope);
  if ('unusable' in inputs) return inputs;
  const types = inputs.map(({ typeOid }) => typeOid);
  const resolution = resolveFunction(scope.catalog, scope.searchPath, name, types, 'a');
  const [type = 0] = types;
  const isFixed =
    resolution?.isBuiltin === true &&
    ((name.name === 'count' && args.length < 2) ||
      ((name.name === 'sum' || name.name === 'avg') && exact.has(type)) ||
      ((name.name === 'min' || name.name === 'max') && ordered.has(type)));
  if (!isFixed || resolution.operandOids.some((oid, i) => oid !== types[i] && oid !== TypeOid.any))
    return unusable('unsupported aggregate');
  const list = agg_star === true ? '*' : inputs.map(({ template }) => template).join(', ');
  const schema = name.schema === undefined ? '' : `${quoteIdentifier(name.schema)}.`;
  return {
    template: `${escapeTemplate(`${schema}${quoteIdentifier(name.name)}`)}(${list})`,
    typeOid: resolution.resultOid,
    ...combined(inputs),
    isConstant: false,
  };
}

function targetNode({ targetList }: SelectStmt): Node | undefined {
  const [target, ...others] = targetList ?? [];
  return target !== undefined && others.length === 0 && 'ResTarget' in target
    ? target.ResTarget.val
    : undefined;
}

function targetOf(select: SelectStmt, scope: ExpressionScope): Expression | Unusable {
  const node = targetNode(select);
  return node === undefined ? unusable('unsupported sub-select') : scope.canonicalise(node);
}

/** Its rows are found by the conditions, and what it compares or gives comes on top. */
function ofRead(
  { conditions, reads }: Subselect,
  others: readonly Expression[],
): Omit<Expression, 'template' | 'typeOid'> {
  const flags = combined([...conditions, ...others]);
  return {
    mayRaise: flags.mayRaise,
    isConstant: false,
    collations: combined(others).collations,
    reads: [...new Set([...reads, ...flags.reads])].sort(),
  };
}

/** `SELECT target FROM … WHERE …`, its own tables under names that no other has. */
function textOf(target: Template, { scope, conditions }: Subselect): Template {
  const sorted = [...scope.tables].sort((a, b) =>
    nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0,
  );
  const aliases = new Map(sorted.map(({ index }, i) => [index, `s${depthOf(scope)}_${i + 1}`]));
  const from = sorted.map((table) => `${nameOf(table)} AS ${aliases.get(table.index) ?? ''}`);
  const where = inOrder(
    conditions.map(({ template }) => template),
    scope,
  );
  const text = `SELECT ${target} FROM ${from.join(', ')}${where.length > 0 ? ` WHERE ${where.join(' AND ')}` : ''}`;
  return nameTables(text, aliases);
}

function nameOf({ relation, only }: BlockTable): Template {
  const name = `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;
  return escapeTemplate(`${only ? 'ONLY ' : ''}${name}`);
}

function nameTables(template: Template, aliases: ReadonlyMap<number, string>): Template {
  return renumberTemplate(template, (table) => aliases.get(table) ?? table);
}
