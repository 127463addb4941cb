import type { ConsoleColumn, ConsoleRow, ConsoleType, ConsoleValue } from '../../ops/console/console-command';
import { encodeDataRow } from '../../wire/backend/data-row';
import { encodeRowDescription } from '../../wire/backend/row-description';

/** Numbers and sizes of pg_type; 65535 stands for variable width. */
const types: Readonly<Record<ConsoleType, { readonly oid: number; readonly size: number }>> = {
  bool: { oid: 16, size: 1 },
  int8: { oid: 20, size: 8 },
  text: { oid: 25, size: 65535 },
  float8: { oid: 701, size: 8 },
  timestamptz: { oid: 1184, size: 8 },
};

const binary = 1;
/** 2000-01-01 UTC, from which PostgreSQL counts, in milliseconds since 1970. */
const postgresEpochMs = 946_684_800_000;

/** @param formats of the columns, as many as there are: 0 text, 1 binary */
export function describeColumns(columns: readonly ConsoleColumn[], formats: readonly number[]): Buffer {
  return encodeRowDescription({
    columns: columns.map(({ name, type }, i) => ({
      name,
      tableOid: 0,
      attributeNumber: 0,
      typeOid: types[type].oid,
      typeSize: types[type].size,
      typeModifier: -1,
      format: formats[i] ?? 0,
    })),
  });
}

export function encodeRow(
  columns: readonly ConsoleColumn[],
  formats: readonly number[],
  row: ConsoleRow,
): Buffer {
  const values = columns.map(({ type }, i) => {
    const value = row[i];
    if (isNull(value)) return null;
    return formats[i] === binary ? inBinary(type, value) : Buffer.from(inText(value));
  });
  return encodeDataRow({ values });
}

function isNull(value: ConsoleValue): value is null | undefined {
  return value === null || value === undefined || (value instanceof Date && Number.isNaN(value.getTime()));
}

function inText(value: Exclude<ConsoleValue, null | undefined>): string {
  if (typeof value === 'boolean') return value ? 't' : 'f';
  // As DateStyle ISO with TimeZone UTC has it.
  if (value instanceof Date) return value.toISOString().replace('T', ' ').replace('Z', '+00');
  return String(value);
}

function inBinary(type: ConsoleType, value: Exclude<ConsoleValue, null | undefined>): Buffer {
  switch (type) {
    case 'bool':
      return Buffer.of(value === true ? 1 : 0);
    case 'int8':
      return int64(Math.trunc(Number(value)));
    case 'float8': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(Number(value));
      return bytes;
    }
    case 'timestamptz':
      return int64((Number(value) - postgresEpochMs) * 1_000);
    case 'text':
      return Buffer.from(inText(value));
  }
}

function int64(number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(number));
  return bytes;
}
