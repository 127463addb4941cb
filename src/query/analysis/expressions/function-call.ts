import type { CoalesceExpr, FuncCall } from '@pgsql/types';
import { qualifiedName } from '../../ast/names';
import { quoteIdentifier } from '../../ast/quote';
import { escapeTemplate } from '../../ast/template';
import {
  canonicaliseAll,
  combined,
  unusable,
  type Expression,
  type ExpressionScope,
  type Unusable,
} from '../expression';
import { isStableLiteral } from '../literal';
import { totalFunctions } from '../raising';
import { resolveFunction } from '../resolve';

/** A call of a plain immutable function; stable and volatile ones stay out (rule S5). */
export function canonicaliseFuncCall(call: FuncCall, scope: ExpressionScope): Expression | Unusable {
  if (hasDecoration(call)) return unusable('unsupported form of function call');
  const name = qualifiedName(call.funcname);
  if (name === undefined) return unusable('unsupported function name');
  const args = canonicaliseAll(call.args, scope);
  if ('unusable' in args) return args;

  const resolution = resolveFunction(
    scope.catalog,
    scope.searchPath,
    name,
    args.map(({ typeOid }) => typeOid),
  );
  if (resolution === undefined) return unusable('unknown function');
  if (!resolution.isImmutable) return unusable('function is not immutable');
  for (const [i, { unknownLiteral }] of args.entries()) {
    if (unknownLiteral === undefined) continue;
    const types = resolution.operandOids[i] ?? [];
    if (types.length === 0 || !types.every((oid) => isStableLiteral(scope.catalog, oid, unknownLiteral))) {
      return unusable('time-dependent or catalog-dependent constant');
    }
  }
  const flags = combined(args);
  const isTotal = resolution.isBuiltin && totalFunctions.get(name.name)?.includes(args.length) === true;
  const schema = name.schema === undefined ? '' : `${escapeTemplate(quoteIdentifier(name.schema))}.`;
  return {
    template: `${schema}${escapeTemplate(quoteIdentifier(name.name))}(${args.map(({ template }) => template).join(', ')})`,
    typeOid: scope.catalog.type(resolution.resultOid)?.kind === 'p' ? 0 : resolution.resultOid,
    mayRaise: flags.mayRaise || (!isTotal && !flags.isConstant),
    isConstant: flags.isConstant,
    collations: flags.collations,
  };
}

function hasDecoration(call: FuncCall): boolean {
  return (
    call.agg_order !== undefined ||
    call.agg_filter !== undefined ||
    call.over !== undefined ||
    call.agg_within_group === true ||
    call.agg_star === true ||
    call.agg_distinct === true ||
    call.func_variadic === true ||
    (call.args ?? []).some((arg) => 'NamedArgExpr' in arg)
  );
}

/** COALESCE over values of one type. */
export function canonicaliseCoalesce(expr: CoalesceExpr, scope: ExpressionScope): Expression | Unusable {
  const args = canonicaliseAll(expr.args, scope);
  if ('unusable' in args) return args;
  const [first] = args;
  if (first === undefined || args.some(({ typeOid }) => typeOid === 0 || typeOid !== first.typeOid)) {
    return unusable('COALESCE over several types');
  }
  return {
    template: `COALESCE(${args.map(({ template }) => template).join(', ')})`,
    typeOid: first.typeOid,
    ...combined(args),
  };
}
