import { TypeOid, type Catalog } from '../../catalog/catalog';
import { commonType } from './coercion';

/** Pseudo-types that stand for what a call is made with (manual, "Polymorphic Types"; OIDs of pg_type.dat). */
const simple: ReadonlyMap<number, Role> = new Map([
  [2283, 'element'],
  [2776, 'element'],
  [3500, 'element'],
  [2277, 'array'],
  [3831, 'range'],
  [4537, 'multirange'],
]);
const compatible: ReadonlyMap<number, Role> = new Map([
  [5077, 'element'],
  [5079, 'element'],
  [5078, 'array'],
  [5080, 'range'],
  [4538, 'multirange'],
]);
type Role = 'element' | 'array' | 'range' | 'multirange';

const anynonarray: readonly number[] = [2776, 5079];
const anyenum = 3500;

export function isPolymorphic(oid: number): boolean {
  return simple.has(oid) || compatible.has(oid);
}

/** What the polymorphic types of a signature stand for in one call. */
export interface Binding {
  /** Each parameter's type, as its argument is converted to it; for polymorphic ones that of the call. */
  readonly argumentOids: readonly number[];
  /** What a declared result type is in the call; 0 if it cannot be told. */
  resultOf(declaredOid: number): number;
}

/**
 * Whether arguments of these types fit the polymorphic parameters of a signature, and what those are then
 * (`check_generic_type_consistency` and `enforce_generic_type_consistency` in src/backend/parser/parse_coerce.c). undefined if
 * they do not. An argument may be an untyped constant, which takes the type that the others leave it.
 */
export function bindPolymorphic(
  catalog: Catalog,
  declared: readonly number[],
  actual: readonly number[],
): Binding | undefined {
  const plain = bindSimple(catalog, declared, actual);
  const common = bindCompatible(catalog, declared, actual);
  if (plain === undefined || common === undefined) return undefined;
  const typeOf = (oid: number): number => plain(oid) ?? common(oid) ?? oid;
  return { argumentOids: declared.map(typeOf), resultOf: typeOf };
}

type TypeOf = (declaredOid: number) => number | undefined;

/** All of anyelement, anyarray, anyrange … are one type, its array, its range. */
function bindSimple(
  catalog: Catalog,
  declared: readonly number[],
  actual: readonly number[],
): TypeOf | undefined {
  const bound = new Map<Role, number>();
  for (const [i, oid] of declared.entries()) {
    const role = simple.get(oid);
    const type = actual[i] ?? 0;
    if (role === undefined || type === TypeOid.unknown) continue;
    // Domains are looked through for containers only: anyelement can be a domain.
    const given = role === 'element' ? type : catalog.domainBaseOid(type);
    if ((bound.get(role) ?? given) !== given) return undefined;
    bound.set(role, given);
  }
  if (!completeFamily(catalog, bound)) return undefined;
  const element = bound.get('element') ?? 0;
  if (element !== 0 && !suits(catalog, declared, element)) return undefined;
  return (oid) => {
    const role = simple.get(oid);
    if (role === undefined) return undefined;
    return bound.get(role) ?? (role === 'array' ? (catalog.arrayTypeOf(element)?.oid ?? 0) : 0);
  };
}

/** Adds what follows from what was given; false if that contradicts it. */
function completeFamily(catalog: Catalog, bound: Map<Role, number>): boolean {
  const derive = (from: Role, to: Role, partOf: (oid: number) => number): boolean => {
    const whole = bound.get(from);
    if (whole === undefined) return true;
    const part = partOf(whole);
    if (part === 0 || (bound.get(to) ?? part) !== part) return false;
    bound.set(to, part);
    return true;
  };
  return (
    derive('array', 'element', (oid) => catalog.elementOf(oid)) &&
    derive('multirange', 'range', (oid) => catalog.rangeOfMultirange(oid)) &&
    derive('range', 'element', (oid) => catalog.subtypeOfRange(oid))
  );
}

function suits(catalog: Catalog, declared: readonly number[], element: number): boolean {
  const isArray = catalog.elementOf(catalog.domainBaseOid(element)) !== 0;
  if (isArray && declared.some((oid) => anynonarray.includes(oid))) return false;
  return !declared.includes(anyenum) || catalog.type(element)?.kind === 'e';
}

/** All of anycompatible, anycompatiblearray … are the common type of what they are given. */
function bindCompatible(
  catalog: Catalog,
  declared: readonly number[],
  actual: readonly number[],
): TypeOf | undefined {
  if (!declared.some((oid) => compatible.has(oid))) return () => undefined;
  const given: number[] = [];
  let range = 0;
  for (const [i, oid] of declared.entries()) {
    const role = compatible.get(oid);
    const type = actual[i] ?? 0;
    if (role === undefined || type === TypeOid.unknown) continue;
    // Nothing of PostgreSQL's own that is worth it takes a multirange so.
    if (role === 'multirange') return undefined;
    const base = catalog.domainBaseOid(type);
    const part =
      role === 'element' ? type : role === 'array' ? catalog.elementOf(base) : catalog.subtypeOfRange(base);
    if (part === 0 || (role === 'range' && range !== 0 && range !== base)) return undefined;
    if (role === 'range') range = base;
    given.push(part);
  }
  const common = given.length === 0 ? TypeOid.text : commonType(catalog, given);
  if (common === undefined || !suits(catalog, declared, common)) return undefined;
  if (range !== 0 && catalog.subtypeOfRange(range) !== common) return undefined;
  return (oid) => {
    const role = compatible.get(oid);
    if (role === undefined) return undefined;
    if (role === 'element') return common;
    return role === 'array' ? (catalog.arrayTypeOf(common)?.oid ?? 0) : range;
  };
}
