import type { PartitionKeyType, PartitionValue } from '../partition-key';

declare const brand: unique symbol;
/** SQL text made by this file: safe to put into a statement. This is the only place that quotes. */
export type SqlText = string & { readonly [brand]: 'SqlText' };

/** An identifier, always in double quotes, so that no keyword and no letter case matters. */
export function quoteIdentifier(name: string): SqlText {
  if (name.includes('\0')) throw new Error('an identifier cannot contain a null character');
  return `"${name.replaceAll('"', '""')}"` as SqlText;
}

/** A string constant. Valid with standard_conforming_strings on, which rule S7 demands of every session that is rewritten. */
export function quoteLiteral(value: string): SqlText {
  if (value.includes('\0')) throw new Error('a string constant cannot contain a null character');
  return `'${value.replaceAll("'", "''")}'` as SqlText;
}

/**
 * An array constant of a builtin type, such as `'{1,2}'::pg_catalog.int8[]`. One constant, however many keys: a list of
 * 1,000 literals costs PostgreSQL 1.4 ms to parse, the array 0.05 ms (design.md, section 6).
 */
export function quoteArray(
  values: Iterable<PartitionValue>,
  datatype: PartitionKeyType,
  elementType: string,
): SqlText {
  const render = elementRenderers[datatype];
  const elements: string[] = [];
  for (const value of values) elements.push(render(value));
  return `${quoteLiteral(`{${elements.join(',')}}`)}::pg_catalog.${elementType}[]` as SqlText;
}

const elementRenderers: Readonly<Record<PartitionKeyType, (value: PartitionValue) => string>> = {
  integer: (value) => value.toString(),
  float: (value) => value.toString(),
  text: (value) => `"${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  timestamp: (value) => `"${timestampText(BigInt(value))}"`,
};

/** PostgreSQL's input form of microseconds since 2000-01-01, in ISO style, which every DateStyle reads the same. */
function timestampText(micros: bigint): string {
  if (micros === 2n ** 63n - 1n) return 'infinity';
  if (micros === -(2n ** 63n)) return '-infinity';
  // The calendar of JavaScript dates ends before PostgreSQL's; such a value is not rendered but refused by the caller.
  const perSecond = 1_000_000n;
  const seconds = micros >= 0n ? micros / perSecond : -((-micros + perSecond - 1n) / perSecond);
  const date = new Date(Date.UTC(2000, 0, 1) + Number(seconds) * 1000);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999) {
    throw new RangeError(`timestamp key ${micros} is outside the years 1 to 9999`);
  }
  const fraction = (micros - seconds * perSecond).toString().padStart(6, '0');
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}.${fraction}`;
}
