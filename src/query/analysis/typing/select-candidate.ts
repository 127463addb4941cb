import { TypeOid, type Catalog } from '../../catalog/catalog';
import { canCoerce } from './coercion';
import { bindPolymorphic, isPolymorphic } from './polymorphic';

const stringCategory = 'S';
const unknownCategory = 'X';

/** Something that may be meant by a name: its parameters' types, one for each argument of the call. */
export interface Signature {
  readonly parameterOids: readonly number[];
}

/**
 * The candidate that PostgreSQL takes for arguments of these types, none of which it fits exactly (`func_match_argtypes` and
 * `func_select_candidate` in src/backend/parser/parse_func.c; manual, "Function Type Resolution", from step 4 on). undefined
 * where PostgreSQL finds none or cannot choose.
 */
export function selectCandidate<T extends Signature>(
  catalog: Catalog,
  argumentOids: readonly number[],
  candidates: readonly T[],
): T | undefined {
  let left: readonly T[] = candidates.filter((candidate) => accepts(catalog, candidate, argumentOids));
  if (left.length < 2) return left[0];

  const bases = argumentOids.map((oid) => catalog.domainBaseOid(oid));
  const isKnown = (i: number): boolean => bases[i] !== TypeOid.unknown;
  const countOf = (matches: (parameter: number, i: number) => boolean) => (candidate: T) =>
    candidate.parameterOids.filter((parameter, i) => isKnown(i) && matches(parameter, i)).length;

  left = withMost(
    left,
    countOf((parameter, i) => parameter === bases[i]),
  );
  if (left.length === 1) return left[0];
  left = withMost(
    left,
    countOf((parameter, i) => parameter === bases[i] || isPreferredIn(catalog, parameter, bases[i] ?? 0)),
  );
  if (left.length === 1) return left[0];
  if (bases.every((_, i) => isKnown(i))) return undefined;

  left = ofUnknownsCategories(catalog, left, bases);
  if (left.length === 1) return left[0];
  return takingAllAlike(catalog, left, bases);
}

function accepts(catalog: Catalog, { parameterOids }: Signature, argumentOids: readonly number[]): boolean {
  let isGeneric = false;
  for (const [i, parameter] of parameterOids.entries()) {
    if (isPolymorphic(parameter)) isGeneric = true;
    else if (!canCoerce(catalog, argumentOids[i] ?? 0, parameter)) return false;
  }
  return !isGeneric || bindPolymorphic(catalog, parameterOids, argumentOids) !== undefined;
}

function withMost<T>(candidates: readonly T[], count: (candidate: T) => number): readonly T[] {
  const counts = candidates.map(count);
  const most = Math.max(...counts);
  return candidates.filter((_, i) => counts[i] === most);
}

function isPreferredIn(catalog: Catalog, parameter: number, argument: number): boolean {
  const type = catalog.type(parameter);
  return type?.isPreferred === true && type.category === catalog.type(argument)?.category;
}

/** An untyped constant counts as a string if any candidate takes one there, else as what all of them take. */
function ofUnknownsCategories<T extends Signature>(
  catalog: Catalog,
  candidates: readonly T[],
  bases: readonly number[],
): readonly T[] {
  const wanted = new Map<number, { readonly category: string; readonly hasPreferred: boolean }>();
  for (const [i, base] of bases.entries()) {
    if (base !== TypeOid.unknown) continue;
    const taken = candidates.map(({ parameterOids }) => catalog.type(parameterOids[i] ?? 0));
    const categories = new Set(taken.map((type) => type?.category ?? unknownCategory));
    const [only = ''] = categories;
    const category = categories.has(stringCategory)
      ? stringCategory
      : categories.size === 1
        ? only
        : undefined;
    if (category === undefined) return candidates;
    const hasPreferred = taken.some((type) => type?.category === category && type.isPreferred);
    wanted.set(i, { category, hasPreferred });
  }
  const fitting = candidates.filter(({ parameterOids }) =>
    [...wanted].every(([i, { category, hasPreferred }]) => {
      const type = catalog.type(parameterOids[i] ?? 0);
      return type?.category === category && (!hasPreferred || type.isPreferred);
    }),
  );
  return fitting.length > 0 ? fitting : candidates;
}

/** If all typed arguments are of one type, the untyped ones are taken to be of it too. */
function takingAllAlike<T extends Signature>(
  catalog: Catalog,
  candidates: readonly T[],
  bases: readonly number[],
): T | undefined {
  const known = new Set(bases.filter((oid) => oid !== TypeOid.unknown));
  const [only] = known;
  if (known.size !== 1 || only === undefined) return undefined;
  const fitting = candidates.filter((candidate) =>
    accepts(
      catalog,
      candidate,
      bases.map(() => only),
    ),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}
