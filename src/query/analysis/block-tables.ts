import type { JoinExpr, Node, RangeSubselect, RangeVar } from '@pgsql/types';
import { stringsOf } from '../ast/names';
import type { CatalogRelation } from '../catalog/catalog';
import type { DerivedTable } from './derived-table';
import { namesOf } from './query-outputs';

/** A table in the FROM clause of a block, or a query that is known to hand columns of tables on. */
export interface BlockTable {
  /** Position in the block. */
  readonly index: number;
  /** Name that column references use: the alias, or the table's own name. */
  readonly alias: string;
  readonly hasAlias: boolean;
  /** As it stands in FROM; absent if it is a derived table or a CTE. */
  readonly name?: RangeVar;
  readonly relation: CatalogRelation;
  /** Present if it is a derived table or a CTE; `relation` is then none of the database's. */
  readonly derived?: DerivedTable;
  /** FROM ONLY. */
  readonly only: boolean;
  /** On the null-extended side of an outer join: no column of it may take part in anything (rule S3). */
  readonly isNullable: boolean;
  /** Hidden behind the alias of a join, or with renamed columns: cannot be addressed by its alias. */
  readonly isHidden: boolean;
}

/** What a FROM clause gives: its tables, and the conditions that hold for every row of FROM x WHERE. */
export interface FromClause {
  readonly tables: readonly BlockTable[];
  /** ON clauses of inner joins that are not below the nullable side of an outer join. */
  readonly conditions: readonly Node[];
  /** Column equalities of JOIN … USING between addressable tables, by column name. */
  readonly usings: readonly UsingEquality[];
  /** There are items besides the tables, of which nothing is known. */
  readonly hasUnknown: boolean;
  /** A join makes one column of two. */
  readonly hasMerged: boolean;
  /** The names of such columns; undefined if not all are known. */
  readonly mergedNames: ReadonlySet<string> | undefined;
  /** Whether a name without a table may mean a column that JOIN … USING or NATURAL JOIN made of two. */
  isMerged(column: string): boolean;
}

/** `left JOIN right USING (column)`: sides as ranges of table positions, [from, to). */
export interface UsingEquality {
  readonly column: string;
  readonly left: readonly [number, number];
  readonly right: readonly [number, number];
}

/** Why the whole block is left alone. */
export interface RefusedBlock {
  readonly refused: string;
}

/** Finds what the items of a FROM clause mean; undefined for what is not known. */
export interface FromResolver {
  relation(name: RangeVar): CatalogRelation | DerivedTable | undefined | RefusedBlock;
  derived(item: RangeSubselect): DerivedTable | undefined;
}

/** Reads the FROM clause of a block. An unknown kind of item refuses the block: the default is to leave it alone. */
export function readFromClause(
  items: readonly Node[] | undefined,
  resolver: FromResolver,
): FromClause | RefusedBlock {
  const reader = new FromReader(resolver);
  for (const item of items ?? []) {
    const refused = reader.read(item, { isNullable: false, isHidden: false });
    if (refused !== undefined) return { refused };
  }
  return reader;
}

interface Position {
  readonly isNullable: boolean;
  readonly isHidden: boolean;
}

class FromReader implements FromClause {
  readonly tables: BlockTable[] = [];
  readonly conditions: Node[] = [];
  readonly usings: UsingEquality[] = [];
  readonly #usingColumns = new Set<string>();
  #isNaturalWithUnknown = false;

  /** Items whose columns are not known: functions, untracked tables, queries that are not understood. */
  #unknownItems = 0;

  constructor(private readonly resolver: FromResolver) {}

  get hasUnknown(): boolean {
    return this.#unknownItems > 0;
  }

  get hasMerged(): boolean {
    return this.#isNaturalWithUnknown || this.#usingColumns.size > 0;
  }

  get mergedNames(): ReadonlySet<string> | undefined {
    return this.#isNaturalWithUnknown ? undefined : this.#usingColumns;
  }

  isMerged(column: string): boolean {
    return this.#isNaturalWithUnknown || this.#usingColumns.has(column);
  }

  /** Returns the reason if the block must be left alone. */
  read(item: Node, position: Position): string | undefined {
    if ('RangeVar' in item) return this.#readTable(item.RangeVar, position);
    if ('JoinExpr' in item) return this.#readJoin(item.JoinExpr, position);
    // Their own blocks are read on their own; to this block they are rows from elsewhere. What they compute is
    // looked at by the check for volatile functions, which covers the whole statement.
    if ('RangeSubselect' in item) {
      const derived = this.resolver.derived(item.RangeSubselect);
      if (derived === undefined) this.#unknownItems++;
      else this.#addDerived(derived, position);
      return undefined;
    }
    if ('RangeFunction' in item) {
      this.#unknownItems++;
      return undefined;
    }
    if ('RangeTableSample' in item) return 'tablesample';
    return 'unsupported FROM item';
  }

  #readTable(name: RangeVar, position: Position): string | undefined {
    const relation = this.resolver.relation(name);
    if (relation !== undefined && 'refused' in relation) return relation.refused;
    if (relation !== undefined && 'origins' in relation) {
      this.#addDerived(relation, position);
      return undefined;
    }
    if (relation === undefined || relation.columns.size === 0) this.#unknownItems++;
    if (relation === undefined) return undefined;
    this.tables.push({
      index: this.tables.length,
      alias: name.alias?.aliasname ?? relation.name,
      hasAlias: name.alias !== undefined,
      name,
      relation,
      only: name.inh !== true,
      isNullable: position.isNullable,
      isHidden: position.isHidden || (name.alias?.colnames ?? []).length > 0,
    });
    return undefined;
  }

  #addDerived(derived: DerivedTable, position: Position): void {
    this.tables.push({
      index: this.tables.length,
      alias: derived.relation.name,
      hasAlias: true,
      relation: derived.relation,
      derived,
      only: false,
      ...position,
    });
  }

  /**
   * Rule S3. `a LEFT JOIN b ON …`: rows of a survive whatever the ON clause says, and b's columns may be NULL in rows
   * that no row of b made, so neither b's columns nor the ON clause say anything about the block's rows:
   *
   *   SELECT * FROM city c LEFT JOIN shop s ON s.city_id = c.city_id AND c.size > 5   -- cities of any size come out
   */
  #readJoin(join: JoinExpr, outer: Position): string | undefined {
    const position = { ...outer, isHidden: outer.isHidden || join.alias !== undefined };
    const nullsLeft = join.jointype === 'JOIN_RIGHT' || join.jointype === 'JOIN_FULL';
    const nullsRight = join.jointype === 'JOIN_LEFT' || join.jointype === 'JOIN_FULL';
    if (!nullsLeft && !nullsRight && join.jointype !== 'JOIN_INNER') return 'unsupported join';
    if (join.larg === undefined || join.rarg === undefined) return 'unsupported join';

    const start = this.tables.length;
    const unknownBefore = this.#unknownItems;
    const left = this.read(join.larg, { ...position, isNullable: position.isNullable || nullsLeft });
    if (left !== undefined) return left;
    const middle = this.tables.length;
    const right = this.read(join.rarg, { ...position, isNullable: position.isNullable || nullsRight });
    if (right !== undefined) return right;

    const merged = join.isNatural === true ? this.#commonColumns(start, middle) : stringsOf(join.usingClause);
    for (const column of merged ?? []) this.#usingColumns.add(column);
    if (join.isNatural === true && (merged === undefined || this.#unknownItems > unknownBefore))
      this.#isNaturalWithUnknown = true;

    const isInner = !nullsLeft && !nullsRight && !position.isNullable;
    if (isInner && !position.isHidden) {
      if (join.quals !== undefined) this.conditions.push(join.quals);
      // The merged column of an item that is not known may be of another type, through which equality is not transitive:
      // int8 9007199254740993 = float8 9007199254740992 = int8 9007199254740992.
      if (this.#unknownItems > unknownBefore) return undefined;
      for (const column of merged ?? []) {
        if (!this.tables.slice(start).every((table) => isKnownIn(table, column))) continue;
        this.usings.push({ column, left: [start, middle], right: [middle, this.tables.length] });
      }
    }
    return undefined;
  }

  /** The columns a NATURAL JOIN merges: those whose names both sides have. undefined if not all names are known. */
  #commonColumns(start: number, middle: number): readonly string[] | undefined {
    const namesIn = (tables: readonly BlockTable[]): ReadonlySet<string> | undefined => {
      const names = tables.map(namesOf);
      return names.includes(undefined) ? undefined : new Set(names.flatMap((some) => [...(some ?? [])]));
    };
    const [left, right] = [namesIn(this.tables.slice(start, middle)), namesIn(this.tables.slice(middle))];
    if (left === undefined || right === undefined) return undefined;
    return [...left].filter((name) => right.has(name));
  }
}

/** Whether it is known that the table has such a column, of what type, or that it has none. */
function isKnownIn({ relation, derived, isHidden }: BlockTable, column: string): boolean {
  if (isHidden) return false;
  return derived === undefined || relation.columns.has(column) || derived.names?.has(column) === false;
}
