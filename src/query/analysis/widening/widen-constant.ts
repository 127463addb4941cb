import { escapeTemplate } from '../../ast/template';
import { quoteLiteral } from '../../ast/quote';
import { TypeOid } from '../../catalog/catalog';
import type { Expression, ExpressionScope } from '../expression';
import { numberConstant, typeText } from '../expressions/constant';
import { formatDecimal, parseDecimal, toMultiple, type Decimal } from './decimal';

const { int2, int4, int8, numeric, float4, float8 } = TypeOid;
const rangeOf: ReadonlyMap<number, bigint> = new Map([
  [int2, 2n ** 15n],
  [int4, 2n ** 31n],
  [int8, 2n ** 63n],
]);
const numbers: ReadonlySet<number> = new Set([...rangeOf.keys(), numeric, float4, float8]);
/** A float4 has fewer digits before the point than any number of so many. */
const maxFloat4 = 10n ** 38n;
const one: Decimal = { digits: 1n, scale: 0 };

/**
 * A numeric constant, with its value brought to the next multiple of a step on one side. It is written as it was, as a number, a
 * string or a value of a type, so that what PostgreSQL makes of it stays the same: beside a float4 column the string '0.1' is a
 * float4, the number 0.1 a float8, and the two are not equal. undefined if it is no such constant, or the multiple none.
 *
 * @param takenOid the type the operator or function takes it as
 */
export function widenConstant(
  constant: Expression,
  takenOid: number,
  step: Decimal,
  direction: 'up' | 'down',
  { catalog }: ExpressionScope,
): Expression | undefined {
  const text = constant.unknownLiteral ?? constant.literalText;
  if (text === undefined || !numbers.has(takenOid) || constant.collations.length > 0) return undefined;
  const value = parseDecimal(text);
  if (value === undefined) return undefined;
  const multiple = toMultiple(value, step, direction);
  const isBare = constant.literalText !== undefined && /^\(?-?[\d.e+-]+\)?$/i.test(constant.template);
  const typeOid = isBare ? undefined : constant.unknownLiteral === undefined ? constant.typeOid : takenOid;
  // '290.5' is no integer; a number such as 290.5 makes a comparison of numerics.
  const isWhole = rangeOf.has(typeOid ?? 0) || rangeOf.has(takenOid);
  const widened = isWhole ? toMultiple(multiple, one, direction) : multiple;
  const written = formatDecimal(widened);
  if (typeOid === undefined) return { ...numberConstant(written), isConstant: constant.isConstant };
  if (!isInRange(widened, typeOid) || !isInRange(widened, takenOid)) return undefined;
  const literal = escapeTemplate(quoteLiteral(written));
  if (constant.unknownLiteral !== undefined)
    return { ...constant, template: literal, unknownLiteral: written };
  const type = catalog.type(constant.typeOid);
  if (type === undefined || !numbers.has(type.oid)) return undefined;
  return { ...constant, template: `${literal}::${escapeTemplate(typeText(type))}`, literalText: written };
}

function isInRange({ digits, scale }: Decimal, typeOid: number): boolean {
  const end = rangeOf.get(typeOid) ?? (typeOid === float4 ? maxFloat4 : undefined);
  if (end === undefined) return true;
  const limit = end * 10n ** BigInt(scale);
  return digits > -limit && digits < limit;
}
