import { quoteIdentifierInBackticks } from '../ast/quote';
import type { ColumnKind } from './column-kind';
import { readPattern, type ConstantValue, type Dialect } from './dialect';

/**
 * MySQL and MariaDB. Their default collations ignore case and trailing blanks (`'a' = 'A '`), so text is compared as the bytes of its UTF-8, and a
 * string constant is written in hexadecimal: it then depends on neither sql_mode nor character set.
 */
export const mysqlDialect: Dialect = {
  name: 'mysql',
  identifier: quoteIdentifierInBackticks,
  operand: (column, kind) => (kind === 'text' ? `CAST(CONVERT(${column} USING utf8mb4) AS BINARY)` : column),
  constant,
  truth: (column) => `(${column} <> 0)`,
  // As utf8mb4, not as bytes: `_` is a character. Its binary collation tells all of them apart, and LIKE compares blanks as well.
  like: (column, pattern) =>
    `(CONVERT(${column} USING utf8mb4) COLLATE utf8mb4_bin LIKE CONVERT(${hex(patternText(pattern))} USING utf8mb4) COLLATE utf8mb4_bin ESCAPE '|')`,
  key,
};

function constant(constant: ConstantValue): string {
  switch (constant.kind) {
    case 'integer':
      return `(${constant.value})`;
    case 'float':
      // With an exponent it is a double, without one a decimal. 17 digits tell every double.
      return `(${constant.value.toExponential(16)})`;
    case 'text':
      return hex(constant.value);
    case 'boolean':
      return constant.value ? '1' : '0';
    case 'date':
      return `DATE'${constant.value}'`;
    case 'timestamp':
      return `TIMESTAMP'${constant.value}'`;
  }
}

/** A binary string. The empty one cannot be written in this way. */
function hex(text: string): string {
  return text === '' ? "CAST('' AS BINARY)" : `X'${Buffer.from(text, 'utf8').toString('hex')}'`;
}

function patternText(pattern: string): string {
  return (readPattern(pattern) ?? [])
    .map((part) => ('wildcard' in part ? part.wildcard : part.literal.replace(/[%_|]/, '|$&')))
    .join('');
}

function key(column: string, kind: ColumnKind): string {
  switch (kind) {
    case 'text':
      return `HEX(CONVERT(${column} USING utf8mb4))`;
    case 'date':
      return `CAST(DATEDIFF(${column}, DATE'2000-01-01') * 86400000000 AS CHAR)`;
    case 'timestamp':
      return `CAST(TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'2000-01-01 00:00:00', ${column}) AS CHAR)`;
    case 'integer':
      return `CAST(${column} AS CHAR)`;
    case 'float':
    case 'boolean':
      return column;
  }
}
