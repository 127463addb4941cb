import type { QualifiedName } from '../ast/names';

/** `pg_proc.provolatile`: immutable, stable, volatile. */
export type Volatility = 'i' | 's' | 'v';

export interface CatalogColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly isNotNull: boolean;
  /** False for text columns whose collation may call different strings equal. */
  readonly hasDeterministicCollation: boolean;
  /** `pg_attribute.attcollation`: 0 for types without. */
  readonly collationOid: number;
}

export interface CatalogRelation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `pg_class.relkind`: r table, p partitioned table, v view, m materialized view, f foreign table, … */
  readonly kind: string;
  readonly hasRowSecurity: boolean;
  /** Some role may read some columns only: a restriction on another one is an error to it. */
  readonly hasColumnPrivileges: boolean;
  /** Estimated number of rows (`pg_class.reltuples`); of a partitioned table, all its partitions' together. */
  readonly rowCount: number;
  /** Only read for relations that bear the name of a tracked table; empty for the others. */
  readonly columns: ReadonlyMap<string, CatalogColumn>;
  /**
   * Digest of what makes the rows of a view. Present for views of the configuration whose rows depend on nothing but the rows
   * of tables (sql/queries/catalog-views.sql); all other views are left alone.
   */
  readonly definition?: string;
}

export interface CatalogType {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `pg_type.typtype`: b base, c composite, d domain, e enum, p pseudo, r range, m multirange. */
  readonly kind: string;
  /** Element type of a true array type, else 0. */
  readonly elementOid: number;
  /** The type a domain is made of (not followed through domains over domains), else 0. */
  readonly baseOid: number;
  /** Of a range type the type of its bounds, of a multirange type its range type, else 0. */
  readonly partOid: number;
  /** `pg_type.typcategory`, and whether the type is the one preferred in it: what PostgreSQL chooses overloads by. */
  readonly category: string;
  readonly isPreferred: boolean;
  readonly inputVolatility: Volatility;
  readonly outputVolatility: Volatility;
  /** Of a domain: whether its checks call nothing volatile. `inputVolatility` is that of a domain of which it is not known what they compute. */
  readonly hasQuietChecks: boolean;
}

export interface CatalogFunction {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `pg_proc.prokind`: f function, a aggregate, w window function, p procedure. */
  readonly kind: string;
  readonly argumentOids: readonly number[];
  readonly defaultCount: number;
  /** Type of each of the variable arguments, the last of `argumentOids` being an array of it; 0 if there are none. */
  readonly variadicOid: number;
  readonly returnsSet: boolean;
  readonly resultOid: number;
  readonly volatility: Volatility;
  /**
   * Made by a user, in SQL or a procedural language: the planner may put its body, or its result, in the place of a call. Not what an extension
   * brings and says to be immutable.
   */
  readonly isScript: boolean;
}

export interface CatalogOperator {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** 0 for a prefix operator. */
  readonly leftOid: number;
  readonly rightOid: number;
  readonly resultOid: number;
  /** Of the function that implements it. */
  readonly volatility: Volatility;
  /** Whether that function is such a one. */
  readonly isScript: boolean;
}

export interface CatalogCast {
  readonly sourceOid: number;
  readonly targetOid: number;
  /** `pg_cast.castcontext`: e explicit only, a also in assignments, i also implicitly in expressions. */
  readonly context: string;
  /** i for casts without a function: binary-coercible types. */
  readonly volatility: Volatility;
  /** Whether the value's bytes are taken as they are. */
  readonly isBinary: boolean;
  /** Whether its function is a script, as that of an operator may be. */
  readonly isScript: boolean;
}

export interface CatalogCollation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** Whether only equal strings are equal under it. */
  readonly isDeterministic: boolean;
}

export interface CatalogRows {
  readonly relations: readonly CatalogRelation[];
  readonly types: readonly CatalogType[];
  readonly functions: readonly CatalogFunction[];
  readonly operators: readonly CatalogOperator[];
  readonly casts: readonly CatalogCast[];
  /** Those of the database's encoding. */
  readonly collations: readonly CatalogCollation[];
  /** Names of virtual generated columns (PostgreSQL 18), of whatever relation: reading one computes it. */
  readonly virtualColumns: ReadonlySet<string>;
  /** Estimated number of distinct keys in the database, by partition key; absent if nothing is known. */
  readonly keyCounts: ReadonlyMap<string, number>;
  /** Absent where changes are not tracked. */
  readonly reading?: CatalogReading | undefined;
}

/** When and where a catalog was read: what later statements can ask whether it still holds (sql/freshness). */
export interface CatalogReading {
  /** A `pg_snapshot`. */
  readonly snapshot: string;
  /** The server whose transaction numbers it consists of. */
  readonly server: string;
  /** Of the tracking. */
  readonly epoch: string;
  /** Another one after each change, for snapshots that do not see it; an int8. */
  readonly version: string;
}

/** Objects made after initdb have OIDs from here on (PostgreSQL's FirstNormalObjectId). */
const firstNormalOid = 16384;

/** Whether PostgreSQL itself brought the object, so that what the manual says about it holds. */
export function isBuiltin(object: { readonly oid: number }): boolean {
  return object.oid < firstNormalOid;
}

/**
 * What the rewriter knows of a database: immutable, made from the rows of the system catalogs. A new one replaces it
 * after DDL. Lookups never guess: what it does not know is undefined, and the caller leaves the statement alone.
 */
export class Catalog {
  readonly keyCounts: ReadonlyMap<string, number>;
  readonly reading: CatalogReading | undefined;
  readonly #relations = new Map<string, CatalogRelation>();
  readonly #relationKinds = new Map<string, string[]>();
  readonly #types = new Map<number, CatalogType>();
  readonly #typesByName = new Map<string, CatalogType>();
  readonly #arrayTypes = new Map<number, CatalogType>();
  readonly #functions = new Map<string, CatalogFunction[]>();
  readonly #operators = new Map<string, CatalogOperator[]>();
  readonly #volatileOperators: ReadonlySet<string>;
  readonly #casts = new Map<string, CatalogCast>();
  readonly #collations = new Map<string, CatalogCollation>();
  readonly #volatileCastTargets = new Set<number>();
  readonly #virtualColumns: ReadonlySet<string>;
  /** Some function that a column's name could be a call of is volatile: see `functionsOfRow`. */
  readonly hasVolatileOfRow: boolean;
  /** Some operator, cast, or check of a domain calls a volatile function. */
  readonly hasVolatileOperatorOrCast: boolean;
  /** Some operator or cast calls a function that is a script. */
  readonly hasScriptOperatorOrCast: boolean;
  /** Some cast that PostgreSQL applies unasked calls a volatile function: no statement can be told to be free of it. */
  readonly hasVolatileImplicitCast: boolean = false;

  constructor(rows: CatalogRows) {
    this.keyCounts = rows.keyCounts;
    this.reading = rows.reading;
    this.#virtualColumns = rows.virtualColumns;
    for (const relation of rows.relations) {
      this.#relations.set(key(relation.schema, relation.name), relation);
      append(this.#relationKinds, relation.name, relation.hasRowSecurity ? 'row security' : relation.kind);
    }
    for (const type of rows.types) {
      this.#types.set(type.oid, type);
      this.#typesByName.set(key(type.schema, type.name), type);
      if (type.elementOid !== 0) this.#arrayTypes.set(type.elementOid, type);
    }
    for (const collation of rows.collations)
      this.#collations.set(key(collation.schema, collation.name), collation);
    for (const fn of rows.functions) append(this.#functions, fn.name, fn);
    for (const operator of rows.operators) append(this.#operators, operator.name, operator);
    this.hasVolatileOfRow = rows.functions.some((fn) => fn.volatility === 'v' && this.#isOfRow(fn));
    this.#volatileOperators = new Set(
      rows.operators.filter(({ volatility }) => volatility === 'v').map(({ name }) => name),
    );
    this.hasVolatileOperatorOrCast =
      rows.operators.some(({ volatility }) => volatility === 'v') ||
      rows.casts.some(({ volatility }) => volatility === 'v') ||
      rows.types.some((type) => !isBuiltin(type) && type.inputVolatility === 'v' && !type.hasQuietChecks);
    this.hasScriptOperatorOrCast = [...rows.operators, ...rows.casts].some(({ isScript }) => isScript);
    for (const cast of rows.casts) {
      this.#casts.set(`${cast.sourceOid}>${cast.targetOid}`, cast);
      if (cast.volatility === 'v') this.#volatileCastTargets.add(cast.targetOid);
      if (cast.volatility === 'v' && cast.context === 'i') this.hasVolatileImplicitCast = true;
    }
  }

  /** The relation a name means to a session with this search path (which names the temporary schema not at all). */
  relation(name: QualifiedName, searchPath: readonly string[]): CatalogRelation | undefined {
    return firstVisible(name, searchPath, this.#relations);
  }

  type(oid: number): CatalogType | undefined {
    return this.#types.get(oid);
  }

  typeByName(name: QualifiedName, searchPath: readonly string[]): CatalogType | undefined {
    return firstVisible(name, searchPath, this.#typesByName);
  }

  collationByName(name: QualifiedName, searchPath: readonly string[]): CatalogCollation | undefined {
    return firstVisible(name, searchPath, this.#collations);
  }

  arrayTypeOf(elementOid: number): CatalogType | undefined {
    return this.#arrayTypes.get(elementOid);
  }

  /** All functions of a name that the session can see: overload resolution chooses among them by argument types. */
  functions(name: QualifiedName, searchPath: readonly string[]): readonly CatalogFunction[] {
    return visible(name, searchPath, this.#functions.get(name.name));
  }

  operators(name: QualifiedName, searchPath: readonly string[]): readonly CatalogOperator[] {
    return visible(name, searchPath, this.#operators.get(name.name));
  }

  /** Those of the name in whatever schema. */
  operatorsNamed(name: string): readonly CatalogOperator[] {
    return this.#operators.get(name) ?? [];
  }

  /** Whether any operator of the name, in whatever schema, is volatile: hardly ever one is, and then nobody has to ask which. */
  isAnyVolatile(operatorName: string): boolean {
    return this.#volatileOperators.has(operatorName);
  }

  cast(sourceOid: number, targetOid: number): CatalogCast | undefined {
    return this.#casts.get(`${sourceOid}>${targetOid}`);
  }

  hasVolatileCastTo(targetOid: number): boolean {
    return this.#volatileCastTargets.has(targetOid);
  }

  /** Whether a column of the name, or all columns of some table for undefined, could be computed by the reading of it. */
  isComputedWhenRead(column: string | undefined): boolean {
    return column === undefined ? this.#virtualColumns.size > 0 : this.#virtualColumns.has(column);
  }

  /**
   * The functions that `p.name` or `(p).name` could be a call of, `name(p)`, where p has no such column (manual, "Using
   * Composite Types in Queries"). Those of PostgreSQL itself are all harmless.
   */
  functionsOfRow(name: string): readonly CatalogFunction[] {
    return (this.#functions.get(name) ?? []).filter((fn) => this.#isOfRow(fn));
  }

  #isOfRow(fn: CatalogFunction): boolean {
    const [first, ...others] = fn.argumentOids;
    const kind = this.#types.get(first ?? 0)?.kind;
    return !isBuiltin(fn) && others.length <= fn.defaultCount && (kind === 'c' || kind === 'p');
  }

  /** Whether one of the names could be a call of a volatile function that is written like a column: see `functionsOfRow`. */
  mayBeVolatileOfRow(names: readonly string[]): boolean {
    return names.some((name) => this.functionsOfRow(name).some(({ volatility }) => volatility === 'v'));
  }

  /** Whether every function of the name, in whatever schema, is known not to be volatile. */
  isNeverVolatile(functionName: string): boolean {
    const functions = this.#functions.get(functionName) ?? [];
    return functions.length > 0 && functions.every(({ volatility }) => volatility !== 'v');
  }

  /** Whether any function of the name, in whatever schema, is an aggregate or a window function. */
  isAnyAggregate(functionName: string): boolean {
    return (this.#functions.get(functionName) ?? []).some(({ kind }) => kind === 'a' || kind === 'w');
  }

  /** Whether every relation of the name, in whatever schema, is a plain table: reading it runs no code of anyone's. */
  isAlwaysTable(relationName: string): boolean {
    const kinds = this.#relationKinds.get(relationName) ?? [];
    return kinds.length > 0 && kinds.every((kind) => kind === 'r' || kind === 'p' || kind === 'm');
  }

  /** What a domain is made of, at the bottom; other types as they are. */
  domainBaseOid(oid: number): number {
    let type = this.#types.get(oid);
    for (let depth = 0; type?.kind === 'd' && depth < 32; depth++) type = this.#types.get(type.baseOid);
    return type?.oid ?? oid;
  }

  /** Element type of an array type, else 0. */
  elementOf(oid: number): number {
    return this.#types.get(oid)?.elementOid ?? 0;
  }

  /** Type of a range type's bounds, else 0. */
  subtypeOfRange(oid: number): number {
    const type = this.#types.get(oid);
    return type?.kind === 'r' ? type.partOid : 0;
  }

  /** Range type of a multirange type, else 0. */
  rangeOfMultirange(oid: number): number {
    const type = this.#types.get(oid);
    return type?.kind === 'm' ? type.partOid : 0;
  }

  /** The type operators see: what a domain is made of, at the bottom; text for the binary-coercible varchar. */
  baseTypeOid(oid: number): number {
    const base = this.domainBaseOid(oid);
    return base === TypeOid.varchar ? TypeOid.text : base;
  }
}

/** OIDs of builtin types, fixed since PostgreSQL's catalogs exist (src/include/catalog/pg_type.dat). */
export const TypeOid = {
  bool: 16,
  bytea: 17,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  float4: 700,
  float8: 701,
  unknown: 705,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  timetz: 1266,
  numeric: 1700,
  record: 2249,
  any: 2276,
  uuid: 2950,
  jsonb: 3802,
} as const;

function key(schema: string, name: string): string {
  return `${schema}\0${name}`;
}

function append<T>(map: Map<string, T[]>, name: string, item: T): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [item]);
  else list.push(item);
}

function firstVisible<T>(
  name: QualifiedName,
  searchPath: readonly string[],
  map: ReadonlyMap<string, T>,
): T | undefined {
  if (name.schema !== undefined) return map.get(key(name.schema, name.name));
  for (const schema of searchPath) {
    const found = map.get(key(schema, name.name));
    if (found !== undefined) return found;
  }
  return undefined;
}

function visible<T extends { readonly schema: string }>(
  name: QualifiedName,
  searchPath: readonly string[],
  candidates: readonly T[] | undefined,
): readonly T[] {
  if (candidates === undefined) return [];
  return candidates.filter(({ schema }) =>
    name.schema === undefined ? searchPath.includes(schema) : schema === name.schema,
  );
}
