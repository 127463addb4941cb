import type { PartitionKeyType, PartitionValue } from '../partition-key';

declare const brand: unique symbol;
/** SQL text made by this file: safe to put into a statement. This is the only place that quotes. */
export type SqlText = string & { readonly [brand]: 'SqlText' };

/** An identifier, always in double quotes, so that no keyword and no letter case matters. */
export function quoteIdentifier(name: string): SqlText {
  if (name.includes('\0')) throw new Error('an identifier cannot contain a null character');
  return `"${name.replaceAll('"', '""')}"` as SqlText;
}

/** An identifier of MySQL: in backticks, whatever its sql_mode says of double quotes. */
export function quoteIdentifierInBackticks(name: string): SqlText {
  if (name.includes('\0')) throw new Error('an identifier cannot contain a null character');
  return `\`${name.replaceAll('`', '``')}\`` as SqlText;
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
  for (const value of values) elements.push(render(value, elementType));
  return `${quoteLiteral(`{${elements.join(',')}}`)}::pg_catalog.${elementType}[]` as SqlText;
}

const elementRenderers: Readonly<
  Record<PartitionKeyType, (value: PartitionValue, elementType: string) => string>
> = {
  integer: (value) => value.toString(),
  float: (value) => value.toString(),
  text: (value) => `"${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  timestamp: (value, elementType) => `"${timestampText(BigInt(value), elementType === 'timestamptz')}"`,
};

/**
 * PostgreSQL's input form of microseconds since 2000-01-01, in ISO style, which every DateStyle reads the same. With a zone
 * the text does not depend on the session's TimeZone.
 */
export function timestampText(micros: bigint, hasZone: boolean): string {
  if (micros === 2n ** 63n - 1n) return 'infinity';
  if (micros === -(2n ** 63n)) return '-infinity';
  const perDay = 86_400_000_000n;
  const timeOfDay = ((micros % perDay) + perDay) % perDay;
  const { year, month, day } = civilDate(Number((micros - timeOfDay) / perDay));
  const [hours, minutes, seconds] = [
    timeOfDay / 3_600_000_000n,
    timeOfDay / 60_000_000n,
    timeOfDay / 1_000_000n,
  ];
  const date = [padded(year > 0 ? year : 1 - year, 4), padded(month, 2), padded(day, 2)].join('-');
  const time = [padded(hours, 2), padded(minutes % 60n, 2), padded(seconds % 60n, 2)].join(':');
  const fraction = padded(timeOfDay % 1_000_000n, 6);
  return `${date} ${time}.${fraction}${hasZone ? '+00' : ''}${year > 0 ? '' : ' BC'}`;
}

/**
 * The Gregorian date so many days after 2000-01-01; the year before 1 is 0. JavaScript's own calendar ends before
 * PostgreSQL's. Counted in eras of 400 years that begin with March, so that leap days are last.
 */
function civilDate(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const sinceEpoch = days + 730_425;
  const era = Math.floor(sinceEpoch / 146_097);
  const dayOfEra = sinceEpoch - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

function padded(number: number | bigint, length: number): string {
  return number.toString().padStart(length, '0');
}
