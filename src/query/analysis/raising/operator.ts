import { TypeOid, type Catalog } from '../../catalog/catalog';
import type { Expression } from '../expression';
import type { Resolution } from '../resolve';
import { comparesWithoutError, comparisonOperators } from './comparison';
import { isWellFormedPattern, patternOperators } from './pattern';

const integers: ReadonlySet<number> = new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8]);
const inexact: ReadonlySet<number> = new Set([TypeOid.float4, TypeOid.float8, TypeOid.numeric]);

/** Bits of an integer are bits of an integer, and a shift by too many is no error either (src/backend/utils/adt/int.c). */
const bitOperators: ReadonlySet<string> = new Set(['&', '|', '#', '~', '<<', '>>']);
/** What is not there is NULL or false (src/backend/utils/adt/jsonfuncs.c, jsonb_op.c). json, kept as text, can fail to be read. */
const jsonbOperators: ReadonlySet<string> = new Set(['->', '->>', '#>', '#>>', '?', '?|', '?&', '@>', '<@']);
/** Containment and overlap of arrays compare elements and nothing else (array_contain_compare in arrayfuncs.c). */
const arrayOperators: ReadonlySet<string> = new Set(['@>', '<@', '&&']);
/** Likewise those of ranges, but for `-|-`, which computes the neighbour of a bound (rangetypes.c). */
const rangeOperators: ReadonlySet<string> = new Set(['@>', '<@', '&&', '<<', '>>', '&<', '&>']);
/** Networks that contain each other (network.c). */
const networkOperators: ReadonlySet<string> = new Set(['<<', '<<=', '>>', '>>=', '&&']);
const networks: ReadonlySet<string> = new Set(['inet', 'cidr']);

/**
 * Whether the operator is known never to raise, whatever its operands are (rule S12), but for want of memory. Anything that is
 * not listed may: sums and products overflow, negation and absolute value too, of the least integer.
 */
export function isQuietOperator(
  catalog: Catalog,
  { name, isBuiltin, operandOids }: Resolution,
  operands: readonly Expression[],
): boolean {
  if (!isBuiltin) return false;
  const [leftOid = 0, rightOid = leftOid] = operandOids;
  const right = operands.at(-1);
  if (operandOids.length === 1) return isQuietPrefix(name, leftOid);
  if (comparisonOperators.has(name)) return comparesWithoutError(catalog, leftOid, rightOid);
  if (patternOperators.has(name)) return right !== undefined && isWellFormedPattern(name, right);
  if (integers.has(leftOid) && integers.has(rightOid))
    return bitOperators.has(name) || (isDivision(name) && isHarmlessDivisor(right));
  if (leftOid === TypeOid.text && rightOid === TypeOid.text) return name === '^@';
  const left = catalog.type(leftOid);
  const other = catalog.type(rightOid);
  if (leftOid === TypeOid.jsonb) return jsonbOperators.has(name);
  if (networks.has(left?.name ?? '') && networks.has(other?.name ?? '')) return networkOperators.has(name);
  if (left === undefined || other === undefined) return false;
  if (left.elementOid !== 0 && left.oid === other.oid)
    return arrayOperators.has(name) && comparesWithoutError(catalog, left.oid, left.oid);
  const range = left.kind === 'r' ? left : other.kind === 'r' ? other : undefined;
  const isOfRange =
    range !== undefined && [left.oid, other.oid].every((oid) => oid === range.oid || oid === range.partOid);
  return isOfRange && rangeOperators.has(name) && comparesWithoutError(catalog, range.oid, range.oid);
}

function isQuietPrefix(name: string, operandOid: number): boolean {
  if (integers.has(operandOid)) return name === '+' || name === '~';
  return inexact.has(operandOid) && (name === '+' || name === '-' || name === '@');
}

function isDivision(name: string): boolean {
  return name === '/' || name === '%';
}

/** Only the least integer divided by -1 overflows. */
function isHarmlessDivisor(divisor: Expression | undefined): boolean {
  const text = divisor?.unknownLiteral ?? divisor?.literalText;
  return text !== undefined && /^-?\d+$/.test(text) && Number(text) !== 0 && Number(text) !== -1;
}
