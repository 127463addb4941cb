import type { QualifiedName } from '../../ast/names';
import { quoteLiteral } from '../../ast/quote';
import { escapeTemplate, type Template } from '../../ast/template';
import { TypeOid } from '../../catalog/catalog';
import type { Expression, ExpressionScope } from '../expression';
import { resolveOperator, type Resolution } from '../resolve';

const integers: ReadonlySet<number> = new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8]);
const numbers: ReadonlySet<number> = new Set([...integers, TypeOid.numeric, TypeOid.float8]);

/** A constant on one side of a comparison that was found. */
export interface ComparedConstant {
  readonly operand: Expression;
  readonly position: 0 | 1;
  readonly name: QualifiedName;
  readonly resolution: Resolution;
  /** The type of the other side. */
  readonly otherOid: number;
}

/**
 * A constant beside a comparison, in the one form that all ways to write it have: `5`, `'5'` and a parameter of type int8 that is
 * bound to 5 mean the same beside an integer column, `1.50` and `1.5` beside a numeric one, and `date '2024-01-01'` and
 * `'2024-01-01'` beside a date. The operator must stay the same, so beside an integer column `5` and `5.0` are two: of the one
 * PostgreSQL makes a comparison of integers, of the other one of numerics.
 */
export function comparedTemplate(compared: ComparedConstant, scope: ExpressionScope): Template {
  const { operand, position, resolution } = compared;
  const text = operand.unknownLiteral ?? operand.literalText;
  if (text === undefined || operand.collations.length > 0) return operand.template;
  const takenOid = resolution.operandOids[position] ?? 0;
  if (numbers.has(takenOid)) return numberTemplate(text, compared, scope) ?? operand.template;
  if (operand.typeOid !== takenOid || !isFoundFor(TypeOid.unknown, compared, scope)) return operand.template;
  return escapeTemplate(quoteLiteral(text));
}

/** Whether a constant of another type would have led to the same operator. */
function isFoundFor(
  typeOid: number,
  { name, position, resolution, otherOid }: ComparedConstant,
  { catalog, searchPath }: ExpressionScope,
): boolean {
  const [left, right] = position === 0 ? [typeOid, otherOid] : [otherOid, typeOid];
  const found = resolveOperator(catalog, searchPath, name, left, right);
  return found?.oid === resolution.oid && found.operandOids[position] === resolution.operandOids[position];
}

function numberTemplate(
  text: string,
  compared: ComparedConstant,
  scope: ExpressionScope,
): Template | undefined {
  const digits = decimalDigits(text);
  if (digits === undefined) return undefined;
  const { sign, before, after } = digits;
  if (after === '' && before.length <= maxIntegerDigits) {
    const typeOid = BigInt(before) < 2n ** 31n ? TypeOid.int4 : TypeOid.int8;
    // Integers of different types compare alike, each by an operator of its own.
    if (
      compared.resolution.operandOids.every((oid) => integers.has(oid)) ||
      isFoundFor(typeOid, compared, scope)
    )
      return signed(sign, before);
  }
  return isFoundFor(TypeOid.numeric, compared, scope)
    ? signed(sign, `${before}.${after === '' ? '0' : after}`)
    : undefined;
}

function signed(sign: string, digits: string): Template {
  return sign === '-' ? `(-${digits})` : digits;
}

const maxIntegerDigits = 18;
/** Longer ones keep the form they have: a constant such as 1e100000 would be written out in as many digits. */
const maxDecimalDigits = 100;

interface Digits {
  readonly sign: '' | '-';
  readonly before: string;
  /** Without zeros at its end. */
  readonly after: string;
}

/** A number's digits before and after the point, without zeros that say nothing; undefined for anything else. */
function decimalDigits(text: string): Digits | undefined {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?\s*$/i.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  const length = whole.length + fraction.length;
  if (length === 0 || Math.abs(exponent) + length > maxDecimalDigits) return undefined;
  const point = whole.length + exponent;
  const digits = '0'.repeat(Math.max(-point, 0)) + `${whole}${fraction}`.padEnd(point, '0');
  const before = digits.slice(0, Math.max(point, 0)).replace(/^0+/, '') || '0';
  const after = digits.slice(Math.max(point, 0)).replace(/0+$/, '');
  return { sign: sign === '-' && /[1-9]/.test(digits) ? '-' : '', before, after };
}
