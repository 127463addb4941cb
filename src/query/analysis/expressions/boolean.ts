import type { BoolExpr, BooleanTest, BoolTestType, NullTest } from '@pgsql/types';
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
import { orderKey } from './operator';

/** AND, OR and NOT. Operands are ordered and duplicates dropped: `a OR b` and `b OR a` are one fragment. */
export function canonicaliseBoolExpr(expr: BoolExpr, scope: ExpressionScope): Expression | Unusable {
  const operands = canonicaliseAll(expr.args, scope);
  if ('unusable' in operands) return operands;
  const [first] = operands;
  if (expr.boolop === 'NOT_EXPR') {
    if (first === undefined) return unusable('unsupported NOT');
    return {
      template: `(NOT ${first.template})`,
      typeOid: TypeOid.bool,
      ...combined(operands),
      collations: [],
    };
  }
  const word = expr.boolop === 'OR_EXPR' ? ' OR ' : ' AND ';
  const ordered = [...new Set(operands.map(({ template }) => template))].sort((a, b) => {
    const [left, right] = [orderKey(a, scope), orderKey(b, scope)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
  return {
    template: `(${ordered.join(word)})`,
    typeOid: TypeOid.bool,
    ...combined(operands),
    collations: [],
  };
}

export function canonicaliseNullTest(test: NullTest, scope: ExpressionScope): Expression | Unusable {
  const argument = scope.canonicalise(test.arg);
  if (isUnusable(argument)) return argument;
  return {
    template: `(${argument.template} ${test.nulltesttype === 'IS_NOT_NULL' ? 'IS NOT NULL' : 'IS NULL'})`,
    typeOid: TypeOid.bool,
    ...combined([argument]),
    collations: [],
  };
}

const booleanTests: Readonly<Record<BoolTestType, string>> = {
  IS_TRUE: 'IS TRUE',
  IS_NOT_TRUE: 'IS NOT TRUE',
  IS_FALSE: 'IS FALSE',
  IS_NOT_FALSE: 'IS NOT FALSE',
  IS_UNKNOWN: 'IS UNKNOWN',
  IS_NOT_UNKNOWN: 'IS NOT UNKNOWN',
};

export function canonicaliseBooleanTest(test: BooleanTest, scope: ExpressionScope): Expression | Unusable {
  const argument = scope.canonicalise(test.arg);
  if (isUnusable(argument)) return argument;
  if (test.booltesttype === undefined || argument.typeOid !== TypeOid.bool)
    return unusable('unsupported boolean test');
  return {
    template: `(${argument.template} ${booleanTests[test.booltesttype]})`,
    typeOid: TypeOid.bool,
    ...combined([argument]),
    collations: [],
  };
}
