import type { QualifiedName } from '../ast/names';
import {
  isBuiltin,
  TypeOid,
  type Catalog,
  type CatalogFunction,
  type CatalogOperator,
} from '../catalog/catalog';
import { bindPolymorphic } from './typing/polymorphic';
import { selectCandidate, type Signature } from './typing/select-candidate';

/** The operator or function that PostgreSQL takes. */
export interface Resolution {
  readonly oid: number;
  /** Its own name: the search path may have led to any schema. */
  readonly name: string;
  readonly isImmutable: boolean;
  /** It came with PostgreSQL, so that what the manual says of it holds. */
  readonly isBuiltin: boolean;
  /** The type it returns in this call; 0 if that cannot be told. */
  readonly resultOid: number;
  /** For each operand, the type it is converted to. */
  readonly operandOids: readonly number[];
}

/**
 * The operator that PostgreSQL takes for operands of these types (manual, "Operator Type Resolution"; `oper` and `left_oper` in
 * src/backend/parser/parse_oper.c). undefined if there is none, it cannot choose, or a type is not known: whoever asks then
 * leaves the expression alone. test/integration/query/resolution.test.ts compares with PostgreSQL's own choices.
 *
 * @param left undefined for a prefix operator
 */
export function resolveOperator(
  catalog: Catalog,
  searchPath: readonly string[],
  name: QualifiedName,
  left: number | undefined,
  right: number,
): Resolution | undefined {
  const key = `${name.schema ?? ''}\0${name.name}\0${left ?? ''}\0${right}`;
  return remembered(catalog, searchPath, key, () => chooseOperator(catalog, searchPath, name, left, right));
}

/**
 * The function that PostgreSQL takes for arguments of these types (manual, "Function Type Resolution"; `func_get_detail` in
 * src/backend/parser/parse_func.c). undefined as for operators, and for a function of another kind.
 */
export function resolveFunction(
  catalog: Catalog,
  searchPath: readonly string[],
  name: QualifiedName,
  argumentOids: readonly number[],
  kind: 'f' | 'a' = 'f',
): Resolution | undefined {
  const key = `${name.schema ?? ''}\0${name.name}\0${kind}(${argumentOids.join()})`;
  return remembered(catalog, searchPath, key, () =>
    chooseFunction(catalog, searchPath, name, argumentOids, kind),
  );
}

type Resolutions = Map<string, Resolution | undefined>;
/**
 * Resolutions by catalog and search path: the same few operators are asked for again and again, among hundreds of candidates. A
 * search path is one and the same array as long as a session's context is.
 */
const resolutions = new WeakMap<Catalog, WeakMap<readonly string[], Resolutions>>();
const maxRemembered = 20_000;

function remembered(
  catalog: Catalog,
  searchPath: readonly string[],
  key: string,
  resolve: () => Resolution | undefined,
): Resolution | undefined {
  const known = resolutionsFor(catalog, searchPath);
  const before = known.get(key);
  if (before !== undefined || known.has(key)) return before;
  const resolution = resolve();
  if (known.size >= maxRemembered) known.clear();
  known.set(key, resolution);
  return resolution;
}

function resolutionsFor(catalog: Catalog, searchPath: readonly string[]): Resolutions {
  let byPath = resolutions.get(catalog);
  if (byPath === undefined)
    resolutions.set(catalog, (byPath = new WeakMap<readonly string[], Resolutions>()));
  let known = byPath.get(searchPath);
  if (known === undefined) byPath.set(searchPath, (known = new Map<string, Resolution | undefined>()));
  return known;
}

/** Two of the system's own array types that are converted by rules of their own (int2vector, oidvector). */
const oddArrays: ReadonlySet<number> = new Set([22, 30]);

/** Composite types and pseudo-types have rules of their own, and domains over them. */
function isPlain(catalog: Catalog, oid: number): boolean {
  if (oid === TypeOid.unknown) return true;
  const type = catalog.type(catalog.domainBaseOid(oid));
  return type !== undefined && type.kind !== 'c' && type.kind !== 'p' && !oddArrays.has(type.oid);
}

function chooseOperator(
  catalog: Catalog,
  searchPath: readonly string[],
  name: QualifiedName,
  left: number | undefined,
  right: number,
): Resolution | undefined {
  const operandOids = left === undefined ? [right] : [left, right];
  if (!operandOids.every((oid) => isPlain(catalog, oid))) return undefined;
  const candidates = firstOfEach(
    catalog.operators(name, searchPath).flatMap((operator) => {
      if ((operator.leftOid === 0) !== (left === undefined)) return [];
      const parameterOids = left === undefined ? [operator.rightOid] : [operator.leftOid, operator.rightOid];
      return [{ parameterOids, made: operator, isVariadic: false }];
    }),
    searchPath,
  );
  if (candidates === undefined) return undefined;
  const chosen =
    exactOperator(catalog, operandOids, candidates) ?? selectCandidate(catalog, operandOids, candidates);
  return chosen === undefined ? undefined : resolutionOf(catalog, chosen, operandOids);
}

/** An untyped constant is first taken to be of the other operand's type, then of what that is made of if it is a domain. */
function exactOperator(
  catalog: Catalog,
  operandOids: readonly number[],
  candidates: readonly Candidate<CatalogOperator>[],
): Candidate<CatalogOperator> | undefined {
  const [left, right] = operandOids;
  const known = left === TypeOid.unknown ? right : left;
  if (known === undefined || right === undefined || left === undefined)
    return exactCandidate(candidates, operandOids);
  const hasUnknown = left === TypeOid.unknown || right === TypeOid.unknown;
  const assumed = hasUnknown ? [known, known] : [left, right];
  const base = catalog.domainBaseOid(known);
  return (
    exactCandidate(candidates, assumed) ??
    (hasUnknown && base !== known ? exactCandidate(candidates, [base, base]) : undefined)
  );
}

function chooseFunction(
  catalog: Catalog,
  searchPath: readonly string[],
  name: QualifiedName,
  argumentOids: readonly number[],
  kind: 'f' | 'a',
): Resolution | undefined {
  if (!argumentOids.every((oid) => isPlain(catalog, oid))) return undefined;
  const candidates = firstOfEach(
    catalog.functions(name, searchPath).flatMap((fn) => calledWith(fn, argumentOids.length)),
    searchPath,
  );
  if (candidates === undefined) return undefined;
  const exact = exactCandidate(candidates, argumentOids);
  if (exact === undefined && mayBeCast(catalog, searchPath, name, argumentOids)) return undefined;
  const chosen = exact ?? selectCandidate(catalog, argumentOids, candidates);
  if (chosen === undefined || chosen.made.kind !== kind || chosen.made.returnsSet) return undefined;
  return resolutionOf(catalog, chosen, argumentOids);
}

/** `int8(x)` is a cast if there is no such function, and such a cast. Every value can be made a string, and the other way round. */
function mayBeCast(
  catalog: Catalog,
  searchPath: readonly string[],
  name: QualifiedName,
  argumentOids: readonly number[],
): boolean {
  const target = catalog.typeByName(name, searchPath);
  const [from = 0] = argumentOids;
  if (argumentOids.length !== 1 || target === undefined) return false;
  const source = catalog.type(catalog.domainBaseOid(from));
  return (
    source === undefined ||
    from === TypeOid.unknown ||
    target.kind === 'd' ||
    [source, target].some(({ category }) => category === 'S') ||
    [source, target].every(({ elementOid }) => elementOid !== 0) ||
    catalog.cast(source.oid, target.oid) !== undefined
  );
}

interface Candidate<T> extends Signature {
  readonly made: T;
  /** Its last parameters are as many as there are arguments left. */
  readonly isVariadic: boolean;
}

/** The function's parameters in a call with so many arguments: none if it cannot be called so. */
function calledWith(fn: CatalogFunction, argumentCount: number): readonly Candidate<CatalogFunction>[] {
  const { argumentOids: parameters, defaultCount, variadicOid } = fn;
  if (variadicOid !== 0 && parameters.length <= argumentCount) {
    const fixed = parameters.slice(0, -1);
    const variable = Array.from({ length: argumentCount - fixed.length }, () => variadicOid);
    return [{ parameterOids: [...fixed, ...variable], made: fn, isVariadic: true }];
  }
  if (argumentCount > parameters.length || argumentCount < parameters.length - defaultCount) return [];
  return [{ parameterOids: parameters.slice(0, argumentCount), made: fn, isVariadic: false }];
}

/**
 * Of candidates with the same parameters, PostgreSQL takes the one found first in the search path, and within a schema the
 * one that is not variadic. undefined if it could take neither of two.
 */
function firstOfEach<T extends { readonly schema: string }>(
  candidates: readonly Candidate<T>[],
  searchPath: readonly string[],
): readonly Candidate<T>[] | undefined {
  const kept = new Map<string, Candidate<T>>();
  for (const candidate of candidates) {
    const key = candidate.parameterOids.join();
    const other = kept.get(key);
    if (other === undefined) {
      kept.set(key, candidate);
      continue;
    }
    const order = searchPath.indexOf(candidate.made.schema) - searchPath.indexOf(other.made.schema);
    const precedence = order !== 0 ? order : Number(candidate.isVariadic) - Number(other.isVariadic);
    if (precedence === 0) return undefined;
    if (precedence < 0) kept.set(key, candidate);
  }
  return [...kept.values()];
}

function exactCandidate<T>(
  candidates: readonly Candidate<T>[],
  argumentOids: readonly number[],
): Candidate<T> | undefined {
  return candidates.find(({ parameterOids }) => parameterOids.every((oid, i) => oid === argumentOids[i]));
}

function resolutionOf(
  catalog: Catalog,
  { made, parameterOids }: Candidate<CatalogOperator | CatalogFunction>,
  actual: readonly number[],
): Resolution | undefined {
  const binding = bindPolymorphic(catalog, parameterOids, actual);
  if (binding === undefined) return undefined;
  const resultOid = binding.resultOf(made.resultOid);
  return {
    oid: made.oid,
    name: made.name,
    isImmutable: made.volatility === 'i',
    isBuiltin: isBuiltin(made),
    resultOid: catalog.type(resultOid)?.kind === 'p' ? 0 : resultOid,
    operandOids: binding.argumentOids,
  };
}
