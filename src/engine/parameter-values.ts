import type { ParameterValue } from '../query/analysis/expression';
import { TypeOid } from '../query/catalog/catalog';
import type { BoundParameters } from './engine';

/** Decoders of binary parameters into the type's text form. Types not here leave their conjunct out of fragments (rule S1). */
const binaryDecoders: ReadonlyMap<number, (bytes: Buffer) => string | undefined> = new Map([
  [TypeOid.bool, (bytes) => sized(bytes, 1, () => (bytes[0] === 0 ? 'f' : 't'))],
  [TypeOid.int2, (bytes) => sized(bytes, 2, () => bytes.readInt16BE(0).toString())],
  [TypeOid.int4, (bytes) => sized(bytes, 4, () => bytes.readInt32BE(0).toString())],
  [TypeOid.int8, (bytes) => sized(bytes, 8, () => bytes.readBigInt64BE(0).toString())],
  [TypeOid.float4, (bytes) => sized(bytes, 4, () => floatText(Number(bytes.readFloatBE(0).toPrecision(9))))],
  [TypeOid.float8, (bytes) => sized(bytes, 8, () => floatText(bytes.readDoubleBE(0)))],
  [TypeOid.text, utf8],
  [TypeOid.varchar, utf8],
  [TypeOid.bpchar, utf8],
  [TypeOid.uuid, (bytes) => sized(bytes, 16, () => uuidText(bytes.toString('hex')))],
  [TypeOid.date, (bytes) => sized(bytes, 4, () => dateText(bytes.readInt32BE(0)))],
  [TypeOid.timestamp, (bytes) => sized(bytes, 8, () => timestampText(bytes.readBigInt64BE(0), ''))],
  [TypeOid.timestamptz, (bytes) => sized(bytes, 8, () => timestampText(bytes.readBigInt64BE(0), '+00'))],
]);

/**
 * The values of a Bind message as the analysis wants them.
 *
 * @param typeOids the statement's parameter types, as the server resolved them
 * @param clientEncoding of the session, by PostgreSQL's name: in any but UTF8 only ASCII is read
 * @returns undefined for a parameter that is not bound, or that cannot be read
 */
export function parameterReader(
  bound: BoundParameters,
  typeOids: readonly number[],
  clientEncoding: string,
): (number: number) => ParameterValue | undefined {
  return (number) => {
    const value = bound.values[number - 1];
    const typeOid = typeOids[number - 1];
    if (value === undefined || typeOid === undefined) return undefined;
    if (value === null) return { typeOid, text: null };
    const format = formatOf(bound, number - 1);
    const text = format === 0 ? utf8(value) : binaryDecoders.get(typeOid)?.(value);
    if (text === undefined || (clientEncoding !== 'UTF8' && !isAscii(text))) return undefined;
    return { typeOid, text };
  };
}

/** Binary values of these have so many bytes. */
const sizes: ReadonlyMap<number, number> = new Map([
  [TypeOid.bool, 1],
  [TypeOid.int2, 2],
  ...[TypeOid.int4, TypeOid.float4, TypeOid.date].map((oid) => [oid, 4] as const),
  ...[TypeOid.int8, TypeOid.float8, TypeOid.timestamp, TypeOid.timestamptz].map((oid) => [oid, 8] as const),
  [TypeOid.uuid, 16],
]);
/** The least and the greatest of integers, but for the sign. */
const limits: ReadonlyMap<number, number> = new Map([
  [TypeOid.int2, 2 ** 15],
  [TypeOid.int4, 2 ** 31],
]);

/**
 * Whether the values can be of these types, as far as their size tells. If not, a column has changed its type unnoticed, and with it the
 * parameter that is compared with it: int4 became int8, and the client knows.
 */
export function fitTypes(bound: BoundParameters, typeOids: readonly number[]): boolean {
  return typeOids.every((typeOid, i) => {
    const value = bound.values[i];
    if (value === undefined || value === null) return true;
    if (formatOf(bound, i) === 1) return (sizes.get(typeOid) ?? value.length) === value.length;
    const limit = limits.get(typeOid);
    const number = Number(value.toString('latin1'));
    // Of what is no number in decimals, the server has its own opinion.
    return limit === undefined || Number.isNaN(number) || (number >= -limit && number < limit);
  });
}

function formatOf({ formats }: BoundParameters, index: number): number | undefined {
  return formats.length === 1 ? formats[0] : (formats[index] ?? 0);
}

/** Equal for equal values in equal formats: what a plan for these values can be remembered by. */
export function parametersKey(bound: BoundParameters): string {
  return JSON.stringify([
    bound.declaredOids,
    bound.formats,
    bound.values.map((value) => value?.toString('latin1') ?? null),
  ]);
}

function sized(bytes: Buffer, length: number, read: () => string | undefined): string | undefined {
  return bytes.length === length ? read() : undefined;
}

/** undefined for bytes that are not UTF-8, and for NUL, which no constant can hold. */
function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  return text.includes('\uFFFD') || text.includes('\0') ? undefined : text;
}

/** -0 is written with its sign: it equals 0, but `(-0)::text` does not equal '0'. */
function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : value.toString();
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

function uuidText(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** PostgreSQL counts from 2000-01-01. Dates outside the years 1 to 9999, and infinities, stay unread. */
function dateText(days: number): string | undefined {
  return isoText(Date.UTC(2000, 0, 1) + days * 86_400_000)?.slice(0, 10);
}

function timestampText(micros: bigint, zone: string): string | undefined {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = isoText(Date.UTC(2000, 0, 1) + Number((micros - fraction) / 1000n));
  return seconds === undefined
    ? undefined
    : `${seconds.slice(0, 19).replace('T', ' ')}.${fraction.toString().padStart(6, '0')}${zone}`;
}

function isoText(epochMs: number): string | undefined {
  const date = new Date(epochMs);
  const year = date.getUTCFullYear();
  return Number.isNaN(year) || year < 1 || year > 9999 ? undefined : date.toISOString();
}

export function hasNull(parameters: BoundParameters | undefined): boolean {
  return parameters?.values.includes(null) === true;
}
