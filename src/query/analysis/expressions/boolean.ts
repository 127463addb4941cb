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
import { inOrder } from './apply-operator';
import { isRow, testRow } from './row';

/** AND, OR and NOT. Operands are ordered and duplicates dropped: `a OR b` and `b OR a` are one fragment. */
export function canonicaliseBoolExpr(expr: BoolExpr, scope: ExpressionScope): Expression | Unusable {
  const operands = canonicaliseAll(expr.args, scope);
  if ('unusable' in operands) return operands;
  if (operands.some(({ typeOid }) => typeOid !== TypeOid.bool && typeOid !== TypeOid.unknown))
    return unusable('unsupported boolean operand');
  const [first] = operands;
  if (expr.boolop === 'NOT_EXPR') return first === undefined ? unusable('unsupported NOT') : negation(first);
  return expr.boolop === 'OR_EXPR' ? disjunction(operands, scope) : conjunction(operands, scope);
}

export function conjunction(operands: readonly Expression[], scope: ExpressionScope): Expression {
  return joined(' AND ', operands, scope);
}

export function disjunction(operands: readonly Expression[], scope: ExpressionScope): Expression {
  return joined(' OR ', operands, scope);
}

export function negation(operand: Expression): Expression {
  return {
    template: `(NOT ${operand.template})`,
    typeOid: TypeOid.bool,
    ...combined([operand]),
    collations: [],
  };
}

function joined(word: string, operands: readonly Expression[], scope: ExpressionScope): Expression {
  const ordered = inOrder(
    operands.map(({ template }) => template),
    scope,
  );
  const [only] = ordered;
  return {
    template: ordered.length === 1 && only !== undefined ? only : `(${ordered.join(word)})`,
    typeOid: TypeOid.bool,
    ...combined(operands),
    // Each was compared on its own; what they are made of does not meet.
    mayRaise: operands.some(({ mayRaise }) => mayRaise),
    collations: [],
  };
}

export function canonicaliseNullTest(test: NullTest, scope: ExpressionScope): Expression | Unusable {
  if (isRow(test.arg)) return testRow(test, test.arg, scope);
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
