import type { ValueType } from './schema';

/**
 * A generated query as a tree of plain data, so that a failing one can be made smaller part by part (shrink.ts) and
 * written out as SQL with some of its constants as parameters.
 */
export interface Query {
  readonly kind: 'query';
  readonly ctes: readonly Cte[];
  readonly body: Block | SetOperation | Values;
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
  /** Without parentheses around those branches that need none. */
  readonly isBare?: boolean;
}

export interface Values {
  readonly kind: 'values';
  readonly rows: readonly string[];
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
  | {
      readonly kind: 'derived';
      readonly query: Query;
      readonly alias: string;
      readonly lateral: boolean;
      /** Names of the columns, where the query gives them none. */
      readonly columns?: string;
    }
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
  | { readonly kind: 'not'; readonly arg: Expression }
  | { readonly kind: 'is null'; readonly arg: Expression };

export type Part = string | Query | Constant;

/** A constant that may be written out or sent as a parameter. */
export interface Constant {
  readonly kind: 'constant';
  readonly type: ValueType;
  readonly sql: string;
  readonly text: string;
  readonly isParameter: boolean;
}

/** How constants that are meant to be parameters are sent: not at all, as text, or in the binary form of their type. */
export type Protocol = 'simple' | 'text' | 'binary';

export interface WrittenQuery {
  readonly text: string;
  /** Present if the extended protocol is to be used. */
  readonly values?: readonly (string | Buffer)[];
}

/** Writes a query out, with `$1`… for the constants that are meant to be parameters. */
export function writeQuery(query: Query, protocol: Protocol): WrittenQuery {
  const values: (string | Buffer)[] = [];
  const constant = ({ type, sql, text, isParameter }: Constant): string => {
    if (protocol === 'simple' || !isParameter) return sql;
    const binary = protocol === 'binary' ? binaryForms[type] : undefined;
    if (binary === undefined) return `$${values.push(text)}`;
    return `$${values.push(binary.encode(text))}::${binary.sqlType}`;
  };
  const text = new Writer(constant).query(query);
  return protocol === 'simple' ? { text } : { text, values };
}

interface BinaryForm {
  /** What the parameter is cast to, so that the server expects the bytes that are sent. */
  readonly sqlType: string;
  encode(text: string): Buffer;
}

const binaryForms: Partial<Readonly<Record<ValueType, BinaryForm>>> = {
  int: { sqlType: 'int8', encode: (text) => sized(8, (bytes) => bytes.writeBigInt64BE(BigInt(text))) },
  float: { sqlType: 'float8', encode: (text) => sized(8, (bytes) => bytes.writeDoubleBE(Number(text))) },
  text: { sqlType: 'text', encode: (text) => Buffer.from(text) },
  date: { sqlType: 'date', encode: (text) => sized(4, (bytes) => bytes.writeInt32BE(daysSince2000(text))) },
  timestamp: {
    sqlType: 'timestamp',
    encode: (text) =>
      sized(8, (bytes) => bytes.writeBigInt64BE(BigInt(Math.round(86_400e6 * daysSince2000(`${text}Z`))))),
  },
};

function sized(length: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(length);
  write(bytes);
  return bytes;
}

function daysSince2000(text: string): number {
  return (Date.parse(text) - Date.UTC(2000, 0, 1)) / 86_400_000;
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

  #body(body: Query['body']): string {
    if (body.kind === 'block') return this.#block(body);
    if (body.kind === 'values') return `VALUES ${body.rows.join(', ')}`;
    const [left, right] = body.branches;
    const branch = (query: Query): string =>
      body.isBare === true && query.tail === undefined && query.ctes.length === 0 && query.body.kind !== 'set'
        ? this.query(query)
        : `(${this.query(query)})`;
    return `${branch(left)} ${body.operator} ${branch(right)}`;
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
        return `${item.lateral ? 'LATERAL ' : ''}(${this.query(item.query)}) AS ${item.alias}${item.columns ?? ''}`;
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
      case 'is null':
        return `(${this.#expression(expression.arg)}) IS NULL`;
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
