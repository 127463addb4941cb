import type { A_Const, ParamRef } from '@pgsql/types';
import { escapeTemplate } from '../../ast/template';
import { quoteIdentifier, quoteLiteral } from '../../ast/quote';
import { TypeOid } from '../../catalog/catalog';
import { unusable, type Expression, type ExpressionScope, type Unusable } from '../expression';
import { isStableLiteral } from '../literal';

export function canonicaliseConstant(constant: A_Const): Expression | Unusable {
  if (constant.isnull === true) return literal('NULL', TypeOid.unknown);
  if (constant.sval !== undefined) {
    const text = constant.sval.sval ?? '';
    return { ...literal(quoteLiteral(text), TypeOid.unknown), unknownLiteral: text };
  }
  if (constant.boolval !== undefined)
    return literal(constant.boolval.boolval === true ? 'TRUE' : 'FALSE', TypeOid.bool);
  if (constant.ival !== undefined) return number(String(constant.ival.ival ?? 0), TypeOid.int4);
  if (constant.fval !== undefined)
    return number(constant.fval.fval ?? '', numericConstantType(constant.fval.fval ?? ''));
  return unusable('unsupported constant');
}

/** The value a parameter was bound to, as a constant of the parameter's type: values are part of a fragment. */
export function canonicaliseParameter(ref: ParamRef, scope: ExpressionScope): Expression | Unusable {
  const value = scope.parameter(ref.number ?? 0);
  if (value === undefined) return unusable('unbound parameter');
  const type = scope.catalog.type(value.typeOid);
  if (type === undefined) return unusable('parameter of unknown type');
  if (value.text === null) return { ...literal(`NULL::${typeText(type)}`, type.oid), isConstant: false };
  if (type.oid === TypeOid.int4 && /^(0|-?[1-9]\d{0,8})$/.test(value.text))
    return { ...number(value.text, TypeOid.int4), isConstant: false };
  if (!isStableLiteral(scope.catalog, type.oid, value.text))
    return unusable('time-dependent or catalog-dependent constant');
  return {
    ...literal(`${quoteLiteral(value.text)}::${typeText(type)}`, type.oid),
    isConstant: false,
    literalText: value.text,
  };
}

/** A type by its full name, which means the same under every search path. */
export function typeText(type: { readonly schema: string; readonly name: string }): string {
  return `${quoteIdentifier(type.schema)}.${quoteIdentifier(type.name)}`;
}

function literal(sql: string, typeOid: number): Expression {
  return {
    template: escapeTemplate(sql),
    typeOid,
    mayRaise: false,
    isConstant: true,
    collations: [],
    reads: [],
  };
}

/** A decimal number as it would be read from a statement. */
export function numberConstant(digits: string): Expression {
  const isInt4 = /^-?\d+$/.test(digits) && BigInt(digits) >= -(2n ** 31n) && BigInt(digits) < 2n ** 31n;
  return number(digits, isInt4 ? TypeOid.int4 : numericConstantType(digits));
}

/** Parentheses keep the sign of a negative number with it: `-5::int8` would be `-(5::int8)`, and `a - -5` a comment. */
function number(digits: string, typeOid: number): Expression {
  return { ...literal(digits.startsWith('-') ? `(${digits})` : digits, typeOid), literalText: digits };
}

/**
 * The type PostgreSQL gives a numeric constant that the scanner did not take for an int4 (manual, "Numeric Constants");
 * 0 for the notations with a base or underscores, which may be either.
 */
function numericConstantType(digits: string): number {
  if (!/^-?\d+$/.test(digits)) return /^-?0[xob]|_/i.test(digits) ? 0 : TypeOid.numeric;
  const value = BigInt(digits);
  return value >= -(2n ** 63n) && value < 2n ** 63n ? TypeOid.int8 : TypeOid.numeric;
}
