import { TypeOid, type Catalog } from '../../catalog/catalog';
import type { Expression } from '../expression';
import type { Resolution } from '../resolve';

const { bytea, int4, text, bpchar, float4, float8, numeric, jsonb, date, timestamp, timestamptz, interval } =
  TypeOid;

/** What is asked of constant arguments, by their position; of those that are not mentioned, nothing. */
type Constants = ReadonlyMap<number, RegExp>;
interface QuietSignature {
  readonly argumentOids: readonly number[];
  readonly constants: Constants;
}

function taking(...argumentOids: readonly number[]): QuietSignature {
  return { argumentOids, constants: new Map() };
}

function takingConstant(
  position: number,
  pattern: RegExp,
  ...argumentOids: readonly number[]
): QuietSignature {
  return { argumentOids, constants: new Map([[position, pattern]]) };
}

const notNegative = /^\d+$/;
const notZero = /^-?0*[1-9]\d*$/;
/** Fields that every point in time has; others, such as `timezone`, are an error for some types. */
const fieldsOfTimestamp =
  /^(microseconds|milliseconds|second|minute|hour|day|dow|doy|isodow|isoyear|week|month|quarter|year|decade|century|millennium|epoch|julian)$/i;
const fieldsOfDate =
  /^(day|dow|doy|isodow|isoyear|week|month|quarter|year|decade|century|millennium|epoch|julian)$/i;

const ofText = [taking(text)];
const ofAnyNumber = [taking(float4), taking(float8), taking(numeric)];

/**
 * Builtin functions that are defined for every argument of these types (rule S12), but for want of memory. What makes more of
 * its argument than it was is not here, since a value has at most 1 GB: `repeat`, `replace`, `lpad`. Nor is what depends on the
 * encoding (`ascii`, `chr`), and `round` and its like, of a numeric at the end of its range.
 */
const quietFunctions: ReadonlyMap<string, readonly QuietSignature[]> = new Map([
  ['lower', ofText],
  ['upper', ofText],
  ['initcap', ofText],
  ['reverse', ofText],
  ['md5', ofText],
  ['length', [taking(text), taking(bpchar), taking(bytea)]],
  ['char_length', [taking(text), taking(bpchar)]],
  ['character_length', [taking(text), taking(bpchar)]],
  ['octet_length', [taking(text), taking(bpchar), taking(bytea)]],
  ['btrim', [taking(text), taking(text, text)]],
  ['ltrim', [taking(text), taking(text, text)]],
  ['rtrim', [taking(text), taking(text, text)]],
  ['strpos', [taking(text, text)]],
  ['position', [taking(text, text)]],
  ['starts_with', [taking(text, text)]],
  ['left', [taking(text, int4)]],
  ['right', [taking(text, int4)]],
  ['substr', [taking(text, int4), takingConstant(2, notNegative, text, int4, int4)]],
  ['substring', [taking(text, int4), takingConstant(2, notNegative, text, int4, int4)]],
  ['split_part', [takingConstant(2, notZero, text, text, int4)]],
  ['abs', ofAnyNumber],
  ['sign', [taking(float8), taking(numeric)]],
  ['trunc', [taking(float8), taking(numeric)]],
  ['floor', [taking(float8)]],
  ['ceil', [taking(float8)]],
  ['ceiling', [taking(float8)]],
  ['round', [taking(float8)]],
  ['jsonb_typeof', [taking(jsonb)]],
  ['jsonb_exists', [taking(jsonb, text)]],
  ['jsonb_contains', [taking(jsonb, jsonb)]],
  ['isfinite', [taking(date), taking(timestamp), taking(timestamptz), taking(interval)]],
  ['extract', [
    takingConstant(0, fieldsOfTimestamp, text, timestamp),
    takingConstant(0, fieldsOfDate, text, date),
  ]],
  ['date_part', [takingConstant(0, fieldsOfTimestamp, text, timestamp)]],
]); // prettier-ignore

/** Functions of any array or range that only look at how it is made. */
const ofArrays: ReadonlySet<string> = new Set([
  'array_length',
  'array_lower',
  'array_upper',
  'array_ndims',
  'cardinality',
]);
const ofRanges: ReadonlySet<string> = new Set([
  'lower', 'upper', 'isempty', 'lower_inc', 'upper_inc', 'lower_inf', 'upper_inf',
]); // prettier-ignore

/** Whether the function is known never to raise with these arguments, whatever the rows hold. */
export function isQuietFunction(
  catalog: Catalog,
  { name, isBuiltin, operandOids }: Resolution,
  args: readonly Expression[],
): boolean {
  if (!isBuiltin) return false;
  const first = catalog.type(operandOids[0] ?? 0);
  if (first !== undefined && first.elementOid !== 0)
    return ofArrays.has(name) && operandOids.slice(1).every((oid) => oid === int4);
  if (first?.kind === 'r') return ofRanges.has(name) && operandOids.length === 1;
  return (quietFunctions.get(name) ?? []).some(
    ({ argumentOids, constants }) =>
      argumentOids.length === operandOids.length &&
      argumentOids.every((oid, i) => oid === operandOids[i]) &&
      [...constants].every(([position, pattern]) => {
        const arg = args[position];
        const value = arg?.unknownLiteral ?? arg?.literalText;
        return value !== undefined && pattern.test(value);
      }),
  );
}
