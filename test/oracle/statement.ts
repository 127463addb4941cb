/**
 * A generated statement as a tree of plain data, so that a failing one can be made smaller part by part (shrink.ts) and
 * written out as SQL with some of its constants as parameters.
 */
export interface Query {
  readonly kind: 'query';
  readonly ctes: readonly Cte[];
  readonly body: Block | SetOperation;
  readonly tail?: string;
}

export interface Cte {
  readonly name: string;
  readonly materialized: string;
  readonly query: Query;
}

export interface SetOperation {
  readonly kind: 'set';
  readonly operator: string;
  readonly branches: readonly [Query, Query];
}

export interface Block {
  readonly kind: 'block';
  readonly distinct?: string;
  readonly targets: readonly Expression[];
  readonly from: readonly FromItem[];
  readonly where: readonly Expression[];
  readonly groupBy?: string;
  readonly having?: Expression;
  readonly comment?: string;
}

export type FromItem =
  | { readonly kind: 'table'; readonly sql: string; readonly alias: string }
  | { readonly kind: 'derived'; readonly query: Query; readonly alias: string; readonly lateral: boolean }
  | {
      readonly kind: 'join';
      readonly join: string;
      readonly left: FromItem;
      readonly right: FromItem;
      readonly on?: readonly Expression[];
      readonly using?: string;
    };

export type Expression =
  | { readonly kind: 'parts'; readonly parts: readonly Part[] }
  | { readonly kind: 'logic'; readonly word: 'AND' | 'OR'; readonly args: readonly Expression[] }
  | { readonly kind: 'not'; readonly arg: Expression };

export type Part = string | Query | Constant;

/** A constant that may be written out or sent as a parameter. */
export interface Constant {
  readonly kind: 'constant';
  readonly sql: string;
  readonly text: string;
  readonly isParameter: boolean;
}

export interface RunnableQuery {
  readonly text: string;
  /** Present if the extended protocol is to be used. */
  readonly values?: readonly string[];
}

/** Writes a statement out, with `$1`… for the constants that are meant to be parameters. */
export function runnable(query: Query, isExtended: boolean): RunnableQuery {
  const values: string[] = [];
  const constant = ({ sql, text, isParameter }: Constant): string =>
    isExtended && isParameter ? `$${values.push(text)}` : sql;
  const text = new Writer(constant).query(query);
  return isExtended ? { text, values } : { text };
}

class Writer {
  constructor(private readonly constant: (constant: Constant) => string) {}

  query({ ctes, body, tail }: Query): string {
    const withClause =
      ctes.length === 0
        ? ''
        : `WITH ${ctes.map(({ name, materialized, query }) => `${name} AS ${materialized}(${this.query(query)})`).join(', ')} `;
    return `${withClause}${this.#body(body)}${tail === undefined ? '' : ` ${tail}`}`;
  }

  #body(body: Block | SetOperation): string {
    if (body.kind === 'block') return this.#block(body);
    const [left, right] = body.branches;
    return `(${this.query(left)}) ${body.operator} (${this.query(right)})`;
  }

  #block({ distinct, targets, from, where, groupBy, having, comment }: Block): string {
    return [
      `SELECT ${distinct === undefined ? '' : `${distinct} `}${targets.map((target) => this.#expression(target)).join(', ')}`,
      from.length === 0 ? '' : `FROM ${from.map((item) => this.#from(item)).join(', ')}`,
      comment ?? '',
      where.length === 0 ? '' : `WHERE ${where.map((conjunct) => this.#expression(conjunct)).join(' AND ')}`,
      groupBy === undefined ? '' : `GROUP BY ${groupBy}`,
      having === undefined ? '' : `HAVING ${this.#expression(having)}`,
    ]
      .filter((clause) => clause !== '')
      .join(' ');
  }

  #from(item: FromItem): string {
    switch (item.kind) {
      case 'table':
        return item.sql;
      case 'derived':
        return `${item.lateral ? 'LATERAL ' : ''}(${this.query(item.query)}) AS ${item.alias}`;
      case 'join': {
        const right = this.#from(item.right);
        const condition =
          item.using !== undefined
            ? ` ${item.using}`
            : item.on === undefined
              ? ''
              : ` ON ${item.on.map((conjunct) => this.#expression(conjunct)).join(' AND ') || 'true'}`;
        return `${this.#from(item.left)} ${item.join} ${item.right.kind === 'join' ? `(${right})` : right}${condition}`;
      }
    }
  }

  #expression(expression: Expression): string {
    switch (expression.kind) {
      case 'parts':
        return expression.parts.map((part) => this.#part(part)).join('');
      case 'logic':
        return `(${expression.args.map((arg) => this.#expression(arg)).join(` ${expression.word} `)})`;
      case 'not':
        return `NOT (${this.#expression(expression.arg)})`;
    }
  }

  #part(part: Part): string {
    if (typeof part === 'string') return part;
    return part.kind === 'constant' ? this.constant(part) : `(${this.query(part)})`;
  }
}

export function sql(...parts: readonly Part[]): Expression {
  return { kind: 'parts', parts };
}
