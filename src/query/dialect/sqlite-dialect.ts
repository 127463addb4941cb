import { quoteIdentifier, quoteLiteral } from '../ast/quote';
import type { ColumnKind } from './column-kind';
import { readPattern, type ConstantValue, type Dialect } from './dialect';

/**
 * SQLite. Dates and times are the texts its documentation recommends, ordered as such; a column that holds anything else is found out before
 * (sqlite-columns.ts). LIKE ignores the case of ASCII letters, so GLOB is used.
 */
export const sqliteDialect: Dialect = {
  name: 'sqlite',
  identifier: quoteIdentifier,
  // A column can be declared with NOCASE or RTRIM.
  operand: (column, kind) =>
    kind === 'integer' || kind === 'float' || kind === 'boolean' ? column : `${column} COLLATE BINARY`,
  constant,
  truth: (column) => `(${column} <> 0)`,
  like: (column, pattern) => `(${column} GLOB ${quoteLiteral(globOf(pattern))})`,
  // hex(NULL) is ''.
  key: (column, kind) =>
    kind === 'text' ? `CASE WHEN ${column} IS NOT NULL THEN hex(${column}) END` : column,
};

function constant(constant: ConstantValue): string | undefined {
  switch (constant.kind) {
    case 'integer':
      // -9223372036854775808 is a minus and a number that is too large.
      return constant.value === -(2n ** 63n) ? '(-9223372036854775807 - 1)' : `(${constant.value})`;
    case 'float':
      return exactFloat(constant.value);
    case 'boolean':
      return constant.value ? '1' : '0';
    case 'text':
    case 'date':
    case 'timestamp':
      return quoteLiteral(constant.value);
  }
}

/** SQLite reads up to 15 digits right; of more, the last bit may be another one. */
function exactFloat(value: number): string | undefined {
  const text = value.toExponential();
  return text.replace(/e.*$|\D/g, '').length <= 15 ? `(${text})` : undefined;
}

function globOf(pattern: string): string {
  return (readPattern(pattern) ?? [])
    .map((part) => {
      if ('wildcard' in part) return part.wildcard === '%' ? '*' : '?';
      return /[*?[]/.test(part.literal) ? `[${part.literal}]` : part.literal;
    })
    .join('');
}

/** A condition that holds for every value of a column that means what the same value means in PostgreSQL, and for NULL. */
export function isFaithful(column: string, kind: ColumnKind): string {
  const digits = (count: number): string => '[0-9]'.repeat(count);
  const date = `[1-9]${digits(3)}-${digits(2)}-${digits(2)}`;
  const ofKind: Readonly<Record<ColumnKind, string>> = {
    integer: `typeof(${column}) = 'integer'`,
    float: `typeof(${column}) = 'real'`,
    boolean: `typeof(${column}) = 'integer' AND ${column} IN (0, 1)`,
    text: `typeof(${column}) = 'text'`,
    date: `typeof(${column}) = 'text' AND ${column} GLOB '${date}'`,
    timestamp: `typeof(${column}) = 'text' AND ${column} GLOB '${date} ${digits(2)}:${digits(2)}:${digits(2)}'`,
  };
  return `(${column} IS NULL OR (${ofKind[kind]}))`;
}
