import type { FuncCall } from '@pgsql/types';
import { qualifiedName, type QualifiedName } from '../../ast/names';
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
import { isQuietFunction } from '../raising/function';
import { resolveFunction } from '../resolve';
import { convertAll } from './conversion';

/** A call of a plain immutable function; stable and volatile ones stay out (rule S5). */
export function canonicaliseFuncCall(call: FuncCall, scope: ExpressionScope): Expression | Unusable {
  if (hasDecoration(call)) return unusable('unsupported form of function call');
  const name = qualifiedName(call.funcname);
  if (name === undefined) return unusable('unsupported function name');
  const args = canonicaliseAll(call.args, scope);
  return 'unusable' in args ? args : callOf(name, args, scope);
}

/** `name(args)` */
export function callOf(
  name: QualifiedName,
  args: readonly Expression[],
  scope: ExpressionScope,
): Expression | Unusable {
  const resolution = resolveFunction(
    scope.catalog,
    scope.searchPath,
    name,
    args.map(({ typeOid }) => typeOid),
  );
  if (resolution === undefined) return unusable('unknown function');
  if (!resolution.isImmutable) return unusable('function is not immutable');
  const conversion = convertAll(scope.catalog, args, resolution.operandOids);
  if ('unusable' in conversion) return conversion;
  const flags = combined(args);
  const isQuiet = flags.isConstant || isQuietFunction(scope.catalog, resolution, args);
  const schema = name.schema === undefined ? '' : `${escapeTemplate(quoteIdentifier(name.schema))}.`;
  return {
    template: `${schema}${escapeTemplate(quoteIdentifier(name.name))}(${args.map(({ template }) => template).join(', ')})`,
    typeOid: resolution.resultOid,
    mayRaise: flags.mayRaise || conversion.mayRaise || !isQuiet,
    isConstant: flags.isConstant,
    collations: flags.collations,
    reads: flags.reads,
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
