import type { CaseExpr, CoalesceExpr, MinMaxExpr, Node } from '@pgsql/types';
import { TypeOid } from '../../catalog/catalog';
import {
  canonicaliseAll,
  combined,
  isUnusable,
  unusable,
  type Expression,
  type ExpressionScope,
  type Unusable,
} from '../expression';
import { comparesWithoutError } from '../raising/comparison';
import { commonType } from '../typing/coercion';
import { applyOperator, inOrder } from './apply-operator';
import { convertAll } from './conversion';

/** COALESCE: its arguments become what they have in common. */
export function canonicaliseCoalesce(expr: CoalesceExpr, scope: ExpressionScope): Expression | Unusable {
  const args = canonicaliseAll(expr.args, scope);
  if ('unusable' in args) return args;
  const common = inCommon(args, scope);
  if ('unusable' in common) return common;
  return { template: `COALESCE(${args.map(({ template }) => template).join(', ')})`, ...common };
}

/** GREATEST and LEAST, of a type whose order is PostgreSQL's own. */
export function canonicaliseMinMax(expr: MinMaxExpr, scope: ExpressionScope): Expression | Unusable {
  const args = canonicaliseAll(expr.args, scope);
  if ('unusable' in args) return args;
  const common = inCommon(args, scope);
  if ('unusable' in common) return common;
  if (!comparesWithoutError(scope.catalog, common.typeOid, common.typeOid))
    return unusable('GREATEST of a type without a known order');
  const name = expr.op === 'IS_LEAST' ? 'LEAST' : 'GREATEST';
  // Of equal values the first is taken, and those of other types can look different: 1.0 and 1.00.
  const isAnyOrder =
    onlyEqualToItself.has(common.typeOid) && args.every(({ typeOid }) => typeOid === common.typeOid);
  const templates = args.map(({ template }) => template);
  return {
    template: `${name}(${(isAnyOrder ? inOrder(templates, scope) : templates).join(', ')})`,
    ...common,
  };
}

const onlyEqualToItself: ReadonlySet<number> = new Set([
  TypeOid.bool,
  TypeOid.int2,
  TypeOid.int4,
  TypeOid.int8,
  TypeOid.date,
  TypeOid.timestamp,
  TypeOid.timestamptz,
  TypeOid.uuid,
]);

/**
 * CASE in both its forms. What it may do with a row is what any of its parts may do: which of them are evaluated is not asked.
 * The result of ELSE comes first where the common type of all results is found (transformCaseExpr in
 * src/backend/parser/parse_expr.c).
 */
export function canonicaliseCase(expr: CaseExpr, scope: ExpressionScope): Expression | Unusable {
  const subject = expr.arg === undefined ? undefined : scope.canonicalise(expr.arg);
  if (subject !== undefined && isUnusable(subject)) return subject;
  if (subject?.typeOid === TypeOid.unknown) return unusable('CASE of an untyped constant');
  const otherwise = expr.defresult === undefined ? nothing : scope.canonicalise(expr.defresult);
  if (isUnusable(otherwise)) return otherwise;

  const conditions: Expression[] = [];
  const results: Expression[] = [];
  let mayRaise = false;
  for (const branch of expr.args ?? []) {
    const [condition, result] = branchOf(branch, scope);
    if (isUnusable(condition)) return condition;
    if (isUnusable(result)) return result;
    if (subject !== undefined) {
      const comparison = applyOperator({ schema: undefined, name: '=' }, subject, condition, scope);
      if ('unusable' in comparison) return comparison;
      mayRaise ||= comparison.mayRaise;
    } else if (condition.typeOid !== TypeOid.bool) return unusable('CASE without a condition');
    conditions.push(condition);
    results.push(result);
  }
  const common = inCommon([otherwise, ...results], scope);
  if ('unusable' in common) return common;
  const flags = combined([...conditions, ...(subject === undefined ? [] : [subject])]);
  const branches = conditions.map(({ template }, i) => `WHEN ${template} THEN ${results[i]?.template ?? ''}`);
  const head = subject === undefined ? 'CASE' : `CASE ${subject.template}`;
  return {
    template: `(${head} ${branches.join(' ')} ELSE ${otherwise.template} END)`,
    typeOid: common.typeOid,
    mayRaise: mayRaise || common.mayRaise || flags.mayRaise,
    isConstant: common.isConstant && flags.isConstant,
    collations: common.collations,
    reads: [...new Set([...common.reads, ...flags.reads])].sort(),
  };
}

const nothing: Expression = {
  template: 'NULL',
  typeOid: TypeOid.unknown,
  mayRaise: false,
  isConstant: true,
  collations: [],
  reads: [],
};

function branchOf(
  branch: Node,
  scope: ExpressionScope,
): readonly [Expression | Unusable, Expression | Unusable] {
  if (!('CaseWhen' in branch)) return [unusable('unsupported CASE'), unusable('unsupported CASE')];
  return [scope.canonicalise(branch.CaseWhen.expr), scope.canonicalise(branch.CaseWhen.result)];
}

/** What expressions are together once each is turned into the type they have in common. */
function inCommon(
  expressions: readonly Expression[],
  { catalog }: ExpressionScope,
): Omit<Expression, 'template'> | Unusable {
  const typeOid = commonType(
    catalog,
    expressions.map((expression) => expression.typeOid),
  );
  if (typeOid === undefined) return unusable('no common type');
  const conversion = convertAll(
    catalog,
    expressions,
    expressions.map(() => typeOid),
  );
  if ('unusable' in conversion) return conversion;
  const flags = combined(expressions);
  return { ...flags, typeOid, mayRaise: flags.mayRaise || conversion.mayRaise };
}
