import type { ColumnKind } from './column-kind';

/** A constant as PostgreSQL understood it, in one form for each kind. */
export type ConstantValue =
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** `YYYY-MM-DD` of the years 1000 to 9999. */
  | { readonly kind: 'date'; readonly value: string }
  /** `YYYY-MM-DD HH:MM:SS`, and up to six digits of a fraction that do not end in 0. */
  | { readonly kind: 'timestamp'; readonly value: string };

/** How another database writes what a fragment says. Every text is complete in itself, whatever it is put into. */
export interface Dialect {
  readonly name: 'mysql' | 'sqlite';
  identifier(name: string): string;
  /** A column as an operand of comparisons: such that equal means what it does in PostgreSQL. */
  operand(column: string, kind: ColumnKind): string;
  /** undefined for one that cannot be written so that it is read exactly. */
  constant(constant: ConstantValue): string | undefined;
  /** A column that is a condition by itself. */
  truth(column: string): string;
  /** @param pattern of LIKE with `\` as escape character, which it does not end with */
  like(column: string, pattern: string): string;
  /** The key as the source's reader takes it, by kind; such that DISTINCT tells exactly the keys apart that PostgreSQL does. */
  key(column: string, kind: ColumnKind): string;
}

/** A pattern of LIKE, read: characters that stand for themselves, and wildcards. */
export type PatternPart = { readonly literal: string } | { readonly wildcard: '%' | '_' };

/** undefined for a pattern that is an error to PostgreSQL: one that ends with the escape character. */
export function readPattern(pattern: string): readonly PatternPart[] | undefined {
  const parts: PatternPart[] = [];
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? '';
    if (character === '%' || character === '_') parts.push({ wildcard: character });
    else if (character !== '\\') parts.push({ literal: character });
    else {
      const escaped = characters[++i];
      if (escaped === undefined) return undefined;
      parts.push({ literal: escaped });
    }
  }
  return parts;
}
