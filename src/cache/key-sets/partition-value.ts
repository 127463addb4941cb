import type { PartitionValue } from '../../query/partition-key';

const loneSurrogate = /\p{Surrogate}/u;

/** The value as a 64-bit integer. Throws TypeError if it is none: a truncated key would be another key. */
export function toInt64(datatype: 'integer' | 'timestamp', value: PartitionValue): bigint {
  if (typeof value !== 'bigint')
    throw new TypeError(`a key of type ${datatype} is a bigint, not a ${typeof value}`);
  if (BigInt.asIntN(64, value) !== value) {
    throw new TypeError(`a key of type ${datatype} has 64 bits, ${value} needs more`);
  }
  return value;
}

/** The number in its canonical form: -0 is 0 and there is one NaN, since PostgreSQL holds them equal (rule S2). */
export function toFloat(value: PartitionValue): number {
  if (typeof value !== 'number')
    throw new TypeError(`a key of type float is a number, not a ${typeof value}`);
  if (Number.isNaN(value)) return NaN;
  return value === 0 ? 0 : value;
}

/** The string, if PostgreSQL can hold it. Throws TypeError for a NUL or half a surrogate pair, without quoting the text. */
export function toText(value: PartitionValue): string {
  if (typeof value !== 'string') throw new TypeError(`a key of type text is a string, not a ${typeof value}`);
  if (value.includes('\0')) {
    throw new TypeError(`a key of type text cannot contain NUL (at ${value.indexOf('\0')})`);
  }
  const position = value.search(loneSurrogate);
  if (position >= 0)
    throw new TypeError(`a key of type text is well-formed Unicode; lone surrogate at ${position}`);
  return value;
}
