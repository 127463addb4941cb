import { isUtf8 } from 'node:buffer';
import type { ColumnKind } from '../../../query/dialect/column-kind';
import type { PartitionValue } from '../../../query/partition-key';
import type { CopiedKey } from './copy-database';

/** The copy holds something for a key that its kind cannot be. */
export class UnfaithfulKeyError extends Error {
  override readonly name = 'UnfaithfulKeyError';
}

/** A key as `Dialect.key` had it written, in canonical form; null means a NULL key. */
export function readCopiedKey(key: CopiedKey, kind: ColumnKind): PartitionValue | null {
  if (key === null) return null;
  const value = readers[kind](key);
  if (value === undefined)
    throw new UnfaithfulKeyError(`a key of the copy is no ${kind}: ${String(key).slice(0, 100)}`);
  return value;
}

const readers: Readonly<Record<ColumnKind, (key: string | number | bigint) => PartitionValue | undefined>> = {
  integer: (key) => int64(typeof key === 'string' && /^-?\d+$/.test(key) ? BigInt(key) : key),
  float: (key) => (typeof key !== 'number' ? undefined : key === 0 ? 0 : key),
  text: (key) => (typeof key === 'string' ? textOf(key) : undefined),
  boolean: () => undefined,
  date: (key) => (typeof key === 'string' ? micros(key) : undefined),
  timestamp: (key) => (typeof key === 'string' ? micros(key) : undefined),
};

function int64(key: string | number | bigint): bigint | undefined {
  return typeof key === 'bigint' && BigInt.asIntN(64, key) === key ? key : undefined;
}

function textOf(hex: string): string | undefined {
  if (!/^(?:[0-9A-F]{2})*$/.test(hex)) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** Microseconds since 2000-01-01, or a date and a time without zone. */
function micros(written: string): bigint | undefined {
  if (/^-?\d+$/.test(written)) return BigInt(written);
  if (!/^\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?$/.test(written)) return undefined;
  const ms = Date.parse(`${written.slice(0, 10)}T${written.slice(11) || '00:00:00'}Z`);
  return Number.isNaN(ms) ? undefined : (BigInt(ms) - BigInt(Date.UTC(2000, 0, 1))) * 1_000n;
}
