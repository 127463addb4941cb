import { TypeOid, type Catalog } from '../../catalog/catalog';

const { bool, name, int2, int4, int8, text, bpchar, varchar, float4, float8, numeric, uuid } = TypeOid;
const { date, time, timestamp, timestamptz, interval } = TypeOid;

/** Strings of whatever length are cut, never refused, where the cast is written; a bpchar loses its blanks. */
const strings = [text, varchar, bpchar, name];

/**
 * Casts between builtin types that are defined for every value: integers and floats that become wider, what has a text form
 * becoming text, strings among themselves, and the parts of a point in time. Not `date` to `timestamp`, whose range ends
 * before that of dates, and not `numeric` to `float8`: 1e400 is none.
 */
const quietCasts: ReadonlyMap<number, readonly number[]> = new Map([
  [int2, [int4, int8, float4, float8, numeric, ...strings]],
  [int4, [int8, float4, float8, numeric, bool, ...strings]],
  [int8, [float4, float8, numeric, ...strings]],
  [float4, [float8, ...strings]],
  [float8, strings],
  [numeric, strings],
  [bool, [int4, ...strings]],
  [uuid, strings],
  [timestamp, [date, time]],
  [timestamptz, [date, time]],
  [time, [interval]],
  ...strings.map((oid) => [oid, strings] as const),
]);

/** Whether a cast from one type to another, without a length or precision, is known never to raise (rule S12). */
export function isQuietCast(catalog: Catalog, from: number, to: number): boolean {
  if (from === to) return true;
  if (catalog.type(to)?.kind === 'd') return false;
  const source = catalog.domainBaseOid(from);
  if (source === to || catalog.cast(source, to)?.isBinary === true) return true;
  const [sourceElement, targetElement] = [catalog.elementOf(source), catalog.elementOf(to)];
  if (sourceElement !== 0 && targetElement !== 0) return isQuietCast(catalog, sourceElement, targetElement);
  return quietCasts.get(source)?.includes(to) === true;
}

/** Types of strings, for which a length in a cast cuts and does not refuse. */
export function isCutByCast(oid: number): boolean {
  return oid === varchar || oid === bpchar;
}
