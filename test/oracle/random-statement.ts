import type { Random } from './random';
import { randomCondition, type ColumnInScope } from './random-expression';
import { randomSelect, type NamedColumn } from './random-select';
import { quote, type Schema, type Table, type ValueType } from './schema';
import {
  sql,
  type Block,
  type Cte,
  type Expression,
  type FromItem,
  type Part,
  type Query,
} from './statement';
import { randomForm, type Statement } from './statement-form';

/** A statement over a schema, whose answer does not depend on what SQL leaves open. */
export function randomStatement(schema: Schema, random: Random): Statement {
  return new StatementMaker(schema, random).statement();
}

interface KnownCte {
  readonly name: string;
  readonly columns: readonly NamedColumn[];
}

/** What a block can see of what is around it. */
interface Surroundings {
  readonly depth: number;
  readonly ctes: readonly KnownCte[];
  readonly outer: readonly ColumnInScope[];
}

interface Item {
  readonly item: FromItem;
  readonly columns: readonly ColumnInScope[];
}

interface MadeQuery {
  readonly query: Query;
  readonly columns: readonly NamedColumn[];
}

/** The FROM clause of a block while it grows. */
class GrowingFrom {
  readonly items: FromItem[] = [];
  readonly columns: ColumnInScope[] = [];
  /** Names that a JOIN … USING has merged. */
  readonly merged = new Set<string>();
  /** Whether some item is joined with the others on nothing, so that there may be very many rows. */
  isWide = false;
}

class StatementMaker {
  #aliases = 0;
  #partedBy: Expression | undefined;

  constructor(
    private readonly schema: Schema,
    private readonly random: Random,
  ) {}

  statement(): Statement {
    const form = randomForm(this.random);
    const queries = [this.#topQuery()];
    const partedBy = this.#partedBy;
    if (form === 'several')
      queries.splice(this.random.int(0, 1), 0, this.random.chance(0.7) ? this.#topQuery() : trivialQuery);
    return { kind: 'statement', form, queries, ...(partedBy === undefined ? {} : { partedBy }) };
  }

  #topQuery(): Query {
    const { random } = this;
    const ctes: Cte[] = [];
    const known: KnownCte[] = [];
    for (let i = random.chance(0.2) ? random.int(1, 2) : 0; i > 0; i--) {
      const name = random.chance(0.25) ? quote(random.pick(this.schema.tables).name) : `cte${i}`;
      if (known.some((cte) => cte.name === name)) continue;
      const { query, columns } = random.chance(0.1)
        ? randomValues(this.schema, random)
        : this.#query({ depth: 1, ctes: [...known], outer: [] }, 'any');
      ctes.push({
        name,
        materialized: random.pick(['', '', '', 'MATERIALIZED ', 'NOT MATERIALIZED ']),
        query,
      });
      known.push({ name, columns });
    }
    const top: Surroundings = { depth: 0, ctes: known, outer: [] };
    if (!random.chance(0.14)) return { ...this.#query(top, 'top').query, ctes };
    const types = random.times(random.int(1, 2), () => random.pick(['int', 'text'] as const));
    this.#partedBy = undefined;
    return { ...this.#setOperation({ ...top, depth: 1 }, types).query, ctes };
  }

  /** Two queries of the same columns, or more of them one in the other. */
  #setOperation(surroundings: Surroundings, wanted: 'any' | readonly ValueType[]): MadeQuery {
    const { random } = this;
    const operator = random.pick([
      'UNION',
      'UNION ALL',
      'UNION ALL',
      'INTERSECT',
      'EXCEPT',
      'INTERSECT ALL',
      'EXCEPT ALL',
    ]);
    const left = this.#query(surroundings, wanted);
    const right = this.#query(
      surroundings,
      left.columns.map(({ type }) => type),
    );
    const columns = left.columns.map((column, i) => ({
      ...column,
      key: column.key === right.columns[i]?.key ? column.key : undefined,
    }));
    const body = {
      ...({ kind: 'set', operator } as const),
      branches: [left.query, right.query] as const,
      isBare: random.chance(0.6),
    };
    return { query: { kind: 'query', ctes: [], body }, columns };
  }

  /** @param wanted what to select: anything, anything under names to select from, or columns of these types */
  #query(surroundings: Surroundings, wanted: 'top' | 'any' | readonly ValueType[]): MadeQuery {
    const { random } = this;
    if (wanted !== 'top' && surroundings.depth < 3 && random.chance(0.05))
      return this.#setOperation({ ...surroundings, depth: surroundings.depth + 1 }, wanted);
    const from = new GrowingFrom();
    const where: Expression[] = [];
    const count = random.pick(surroundings.depth === 0 ? [1, 1, 2, 2, 2, 3] : [1, 1, 1, 2]);
    for (let i = 0; i < count; i++) this.#addItem(from, where, surroundings);
    const columns = from.columns.map((column) => this.#maybeBare(column, from));
    for (let i = random.pick([0, 1, 1, 2, 2, 2, 3, 3]); i > 0; i--)
      where.push(this.#condition(columns, surroundings));
    if (surroundings.outer.length > 0 && random.chance(0.5)) {
      const correlation = this.#equality(surroundings.outer, columns);
      if (correlation !== undefined) where.unshift(correlation);
    }
    const selected = randomSelect(wanted, columns, {
      random,
      isWide: from.isWide,
      condition: () => this.#condition(columns, surroundings),
      subselect: (type) => this.#subselect(type, columns, surroundings),
    });
    const comment = random.pick([
      '/* where */',
      '-- where "quoted\'\n',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    const body: Block = {
      kind: 'block',
      ...selected.clauses,
      from: from.items,
      where: random.sample(where, where.length),
      ...(comment === undefined ? {} : { comment }),
    };
    const { distinct, groupBy, targets } = selected.clauses;
    if (wanted === 'top' && distinct === undefined && groupBy === undefined && selected.tail === undefined)
      this.#partedBy = targets.some(isAggregateOrWindow) ? undefined : this.#condition(columns, surroundings);
    const tail = selected.tail ?? (surroundings.depth === 0 && random.chance(0.01) ? 'FOR SHARE' : undefined);
    const query: Query = { kind: 'query', ctes: [], body, ...(tail === undefined ? {} : { tail }) };
    return { query, columns: selected.columns };
  }

  #addItem(from: GrowingFrom, where: Expression[], surroundings: Surroundings): void {
    const { random } = this;
    const before = [...from.columns];
    const { item, columns } = this.#item(surroundings, before);
    const equality = random.chance(0.88) ? this.#equality(before, columns) : undefined;
    from.columns.push(...columns);
    const previous = before.length > 0 && random.chance(0.5) ? from.items.pop() : undefined;
    if (previous === undefined) {
      from.items.push(item);
      if (equality !== undefined) where.push(equality);
      else if (before.length > 0) from.isWide = true;
      return;
    }
    const shared = columns
      .map(({ name }) => name)
      .filter((name) => before.some((column) => column.name === name));
    if (shared.length > 0 && random.chance(0.3)) {
      const isNatural = random.chance(0.15);
      const merged = isNatural ? shared : [random.pick(shared)];
      for (const name of merged) from.merged.add(name);
      const join = random.pick(['JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN']);
      from.items.push({
        kind: 'join',
        join: isNatural ? `NATURAL ${join}` : join,
        left: previous,
        right: item,
        using: isNatural ? '' : `USING (${merged.map(quote).join(', ')})`,
      });
      return;
    }
    if (equality === undefined) {
      from.isWide = true;
      from.items.push({ kind: 'join', join: 'CROSS JOIN', left: previous, right: item });
      return;
    }
    const extra = random.chance(0.4) ? [this.#condition([...before, ...columns], surroundings)] : [];
    const join = random.pick([
      'JOIN',
      'JOIN',
      'INNER JOIN',
      'LEFT JOIN',
      'LEFT JOIN',
      'RIGHT JOIN',
      'FULL JOIN',
    ]);
    from.items.push({ kind: 'join', join, left: previous, right: item, on: [equality, ...extra] });
  }

  #item(surroundings: Surroundings, before: readonly ColumnInScope[]): Item {
    const { random } = this;
    const { depth, ctes, outer } = surroundings;
    const alias = random.pick([
      `t${++this.#aliases}`,
      `t${this.#aliases}`,
      `T${this.#aliases}`,
      `"t ${this.#aliases}"`,
    ]);
    const cte = ctes.length > 0 && random.chance(0.4) ? random.pick(ctes) : undefined;
    if (cte !== undefined) {
      return {
        item: { kind: 'table', sql: `${cte.name} AS ${alias}`, alias },
        columns: inScope(alias, cte.columns),
      };
    }
    if (depth < 2 && random.chance(0.1)) {
      const lateral = random.chance(0.4);
      const { query, columns } = this.#query(
        { depth: depth + 1, ctes, outer: lateral ? [...before, ...outer] : outer },
        'any',
      );
      return { item: { kind: 'derived', query, alias, lateral }, columns: inScope(alias, columns) };
    }
    if (random.chance(0.03)) {
      const { query, columns } = randomValues(this.schema, random);
      return {
        item: { kind: 'derived', query, alias, lateral: false, columns: '(c1)' },
        columns: inScope(
          alias,
          columns.map((column) => ({ ...column, name: 'c1' })),
        ),
      };
    }
    if (random.chance(0.02)) {
      const column = { name: 'c1', type: 'int', key: undefined } as const;
      return {
        item: { kind: 'table', sql: `generate_series(1, ${random.int(1, 6)}) AS ${alias}(c1)`, alias },
        columns: inScope(alias, [column]),
      };
    }
    if (random.chance(0.06)) {
      const [left, right] = [this.#table(before), this.#table(before)];
      const equality = this.#equality(left.columns, right.columns);
      if (equality !== undefined) {
        const join = random.pick(['JOIN', 'LEFT JOIN']);
        return {
          item: { kind: 'join', join, left: left.item, right: right.item, on: [equality] },
          columns: [...left.columns, ...right.columns],
        };
      }
    }
    return this.#table(before);
  }

  #table(before: readonly ColumnInScope[]): Item {
    const { random } = this;
    const { tables } = this.schema;
    const table = random.pick(random.chance(0.9) ? tables.slice(0, -1) : tables);
    const view = random.chance(0.08) ? table.view : undefined;
    const name = quote(view ?? table.name);
    const isBare = random.chance(0.2) && !before.some(({ alias }) => alias === name);
    const alias = isBare
      ? name
      : random.pick([`a${++this.#aliases}`, `A${this.#aliases}`, `"a${this.#aliases} x"`]);
    const only = table.kind !== 'partitioned' && view === undefined && random.chance(0.06) ? 'ONLY ' : '';
    const schema = random.chance(0.15) ? 'public.' : '';
    const sample = view === undefined && random.chance(0.002) ? ' TABLESAMPLE BERNOULLI (100)' : '';
    const as = isBare ? '' : `${random.pick([' ', ' AS '])}${alias}`;
    return {
      item: { kind: 'table', sql: `${only}${schema}${name}${as}${sample}`, alias },
      columns: inScope(alias, columnsOf(table)),
    };
  }

  /** Mostly the equality of two keys; sometimes of something else, or by way of a constant. */
  #equality(left: readonly ColumnInScope[], right: readonly ColumnInScope[]): Expression | undefined {
    const { random } = this;
    const isLikely = !random.chance(0.08);
    const pairs = left.flatMap((a) =>
      right
        .filter((b) => (isLikely ? a.key !== undefined && a.key === b.key : a.type === b.type))
        .map((b) => [a, b]),
    );
    if (pairs.length === 0) return undefined;
    const [a, b] = random.sample(random.pick(pairs), 2);
    if (a === undefined || b === undefined) return undefined;
    if (random.chance(0.1)) return almostEqual(a, b, random);
    const value = a.type === b.type && random.chance(0.06) ? someKey[a.type] : undefined;
    return value === undefined
      ? sql(`${a.sql} = ${b.sql}`)
      : { kind: 'logic', word: 'AND', args: [sql(`${a.sql} = ${value}`), sql(`${value} = ${b.sql}`)] };
  }

  #condition(columns: readonly ColumnInScope[], surroundings: Surroundings): Expression {
    return randomCondition({
      random: this.random,
      columns,
      outer: surroundings.outer,
      subselect: (type) => this.#subselect(type, columns, surroundings),
    });
  }

  #subselect(
    type: ValueType,
    columns: readonly ColumnInScope[],
    surroundings: Surroundings,
  ): Query | undefined {
    const { depth, ctes, outer } = surroundings;
    if (depth >= 2) return undefined;
    return this.#query({ depth: depth + 1, ctes, outer: [...columns, ...outer] }, [type]).query;
  }

  /** Without its table's name where PostgreSQL finds it all the same. */
  #maybeBare(column: ColumnInScope, { columns, merged }: GrowingFrom): ColumnInScope {
    const isUnique = columns.filter(({ name }) => name === column.name).length === 1;
    const isMerged = merged.has(column.name);
    return (isUnique || isMerged) && this.random.chance(isMerged ? 0.7 : 0.3)
      ? { ...column, sql: quote(column.name) }
      : column;
  }
}

/** What must not be taken for the equality of two keys. */
function almostEqual({ sql: a }: ColumnInScope, { sql: b }: ColumnInScope, random: Random): Expression {
  return sql(
    random.pick([
      `${a} <= ${b}`,
      `${a} <> ${b}`,
      `${a} IS NOT DISTINCT FROM ${b}`,
      `(${a} = ${b} OR ${a} IS NULL)`,
      `coalesce(${a} = ${b}, true)`,
      `NOT ${a} = ${b}`,
      `${a}::text = ${b}::text`,
      `(${a} = ${b}) IS NOT TRUE`,
    ]),
  );
}

const someKey: Partial<Readonly<Record<ValueType, string>>> = {
  int: '3',
  text: `'k3'`,
  float: '1.5',
  timestamp: `'2024-03-30 02:30'`,
};

const trivialQuery: Query = {
  kind: 'query',
  ctes: [],
  body: { kind: 'block', targets: [sql('1')], from: [], where: [] },
};

/** Aggregates and windows see rows together, so that the rows of parts are not those of the whole. */
function isAggregateOrWindow(target: Expression): boolean {
  const isSeeingMore = (part: Part): boolean =>
    typeof part === 'string' && /\b(?:count|sum|min|max)\(| OVER /.test(part);
  return target.kind === 'parts' && target.parts.some(isSeeingMore);
}

/** A VALUES list whose column may be joined like a key. */
function randomValues(schema: Schema, random: Random): MadeQuery {
  const key = random.pick(schema.keys);
  const [type, values] =
    key.datatype === 'text'
      ? (['text', random.times(random.int(1, 5), () => `('k${random.int(0, 9)}')`)] as const)
      : (['int', random.times(random.int(1, 5), () => `(${random.int(0, 12)})`)] as const);
  const rows = random.chance(0.2) ? [...values, '(NULL)'] : values;
  const holdsKey = key.datatype === 'text' || key.datatype === 'integer';
  return {
    query: { kind: 'query', ctes: [], body: { kind: 'values', rows } },
    columns: [{ name: 'column1', type, key: holdsKey ? key.name : undefined }],
  };
}

function columnsOf(table: Table): readonly NamedColumn[] {
  return table.columns.map(({ name, type, key }) => ({ name, type, key }));
}

function inScope(alias: string, columns: readonly NamedColumn[]): readonly ColumnInScope[] {
  return columns.map(({ name, type, key }) => ({ sql: `${alias}.${quote(name)}`, name, type, alias, key }));
}
