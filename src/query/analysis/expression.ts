import type { Node, RangeVar } from '@pgsql/types';
import type { Catalog } from '../catalog/catalog';
import type { PartitionKey } from '../partition-key';
import type { Template } from '../ast/template';
import type { CatalogRelation } from '../catalog/catalog';
import type { BlockTable, RefusedBlock } from './block-tables';

/** An expression that can be evaluated elsewhere with the same meaning: in a fragment, over some of the block's tables. */
export interface Expression {
  /** Fully parenthesised SQL in canonical form; tables by their number in the block. Equal text, equal meaning. */
  readonly template: Template;
  /** Type of the value; 0 if it could not be told, TypeOid.unknown for a bare string constant or NULL. */
  readonly typeOid: number;
  /** Whether evaluating it could raise an error for some row (rule S12). */
  readonly mayRaise: boolean;
  /** Whether PostgreSQL folds it to a value while planning, on no row at all. Not so with a parameter: a generic plan keeps it. */
  readonly isConstant: boolean;
  /**
   * OIDs of the collations of columns that the value's own comes from, the default one left out. PostgreSQL refuses to
   * compare strings of two, but only when it comes to a row.
   */
  readonly collations: readonly number[];
  /** The text of a bare string constant, whose type its surroundings decide. */
  readonly unknownLiteral?: string;
  /** Tables that it reads in sub-selects, as schema.table. */
  readonly reads: readonly string[];
  /** The text of the value, where the expression is nothing but a constant of a known type, or a parameter. */
  readonly literalText?: string;
  /** Set if the expression is nothing but a column. */
  readonly column?: ColumnReference;
}

export interface ColumnReference {
  readonly table: BlockTable;
  readonly name: string;
  readonly typeOid: number;
}

/** Why an expression stays out of fragments. A value, not an exception: leaving out is the default (rule S1). */
export interface Unusable {
  readonly unusable: string;
}

export function unusable(reason: string): Unusable {
  return { unusable: reason };
}

export function isUnusable(outcome: object): outcome is Unusable {
  return 'unusable' in outcome;
}

/** A bound parameter: its type, and its value in the type's text form (null for SQL NULL). */
export interface ParameterValue {
  readonly typeOid: number;
  readonly text: string | null;
}

/** What an expression is read against. */
export interface ExpressionScope {
  readonly catalog: Catalog;
  /** Schemas searched, in order; never the temporary one. */
  readonly searchPath: readonly string[];
  readonly partitionKeys: readonly PartitionKey[];
  /** The tables of the expression's own block. */
  readonly tables: readonly BlockTable[];
  /** Of a sub-select in an expression, what is around it: its tables may be referred to. */
  readonly outer: ExpressionScope | undefined;
  /** What a name in FROM means; undefined for a CTE. */
  relationOf(name: RangeVar): CatalogRelation | undefined | RefusedBlock;
  /** Whether a name without a table may mean a column that a join made of two. */
  isMerged(column: string): boolean;
  /** undefined: not bound, or its value cannot be read. */
  parameter(number: number): ParameterValue | undefined;
  /** Reads a part of the expression. */
  canonicalise(node: Node | undefined): Expression | Unusable;
}

type Canonicalise = ExpressionScope['canonicalise'];

/** Reads a part once only: what a condition says, whether it is an equality and whether it may raise are asked one by one. */
export function remembering(canonicalise: Canonicalise): Canonicalise {
  const known = new Map<Node, Expression | Unusable>();
  return (node) => {
    const before = node === undefined ? undefined : known.get(node);
    if (before !== undefined) return before;
    const expression = canonicalise(node);
    if (node !== undefined) known.set(node, expression);
    return expression;
  };
}

/** Reads several parts; the first that is unusable makes the whole unusable. */
export function canonicaliseAll(
  nodes: readonly Node[] | undefined,
  scope: ExpressionScope,
): readonly Expression[] | Unusable {
  const expressions: Expression[] = [];
  for (const node of nodes ?? []) {
    const expression = scope.canonicalise(node);
    if (isUnusable(expression)) return expression;
    expressions.push(expression);
  }
  return expressions;
}

/** Flags of an expression made of others. */
export function combined(parts: readonly Expression[]): {
  readonly mayRaise: boolean;
  readonly isConstant: boolean;
  readonly collations: readonly number[];
  readonly reads: readonly string[];
} {
  const collations = parts.every((part) => part.collations.length === 0)
    ? noCollations
    : [...new Set(parts.flatMap((part) => part.collations))];
  return {
    mayRaise: collations.length > 1 || parts.some((part) => part.mayRaise),
    isConstant: parts.every((part) => part.isConstant),
    collations,
    reads: parts.every(({ reads }) => reads.length === 0)
      ? none
      : [...new Set(parts.flatMap(({ reads }) => reads))].sort(),
  };
}

const none: readonly string[] = [];
const noCollations: readonly number[] = [];
