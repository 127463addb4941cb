import type { QualifiedName } from '../ast/names';
import {
  isBuiltin,
  TypeOid,
  type Catalog,
  type CatalogFunction,
  type CatalogOperator,
} from '../catalog/catalog';

/** What the operator or function that PostgreSQL will choose is known to be, without knowing which of several it is. */
export interface Resolution {
  /** Every candidate is immutable. */
  readonly isImmutable: boolean;
  /** Every candidate came with PostgreSQL. */
  readonly isBuiltin: boolean;
  /** The type all candidates return, or 0 if they differ. */
  readonly resultOid: number;
  /** For each operand, the types the candidates take there. */
  readonly operandOids: readonly (readonly number[])[];
}

/**
 * Operator resolution after the manual's chapter "Operator Type Resolution", cautious: where PostgreSQL would weigh
 * several candidates against each other, all that could win count, so the answer holds whichever it takes.
 */
export function resolveOperator(
  catalog: Catalog,
  searchPath: readonly string[],
  name: QualifiedName,
  left: number | undefined,
  right: number,
): Resolution | undefined {
  const key = `${name.schema ?? ''}\0${name.name}\0${left ?? ''}\0${right}\0${searchPath.join()}`;
  return remembered(catalog, key, () => chooseOperator(catalog, searchPath, name, left, right));
}

/** Resolutions by catalog: the same few operators are asked for again and again, among hundreds of candidates. */
const resolutions = new WeakMap<Catalog, Map<string, Resolution | undefined>>();
const maxRemembered = 20_000;

function remembered(
  catalog: Catalog,
  key: string,
  resolve: () => Resolution | undefined,
): Resolution | undefined {
  const known = resolutions.get(catalog) ?? new Map<string, Resolution | undefined>();
  if (known.has(key)) return known.get(key);
  const resolution = resolve();
  if (known.size >= maxRemembered) known.clear();
  resolutions.set(catalog, known.set(key, resolution));
  return resolution;
}

function chooseOperator(
  catalog: Catalog,
  searchPath: readonly string[],
  name: QualifiedName,
  left: number | undefined,
  right: number,
): Resolution | undefined {
  const leftOid = left === undefined ? 0 : catalog.baseTypeOid(left);
  const rightOid = catalog.baseTypeOid(right);
  const candidates = catalog
    .operators(name, searchPath)
    .filter((candidate) => (candidate.leftOid === 0) === (left === undefined));
  if (left !== undefined && (left === 0 || right === 0)) return summarise(candidates, operandsOf);

  // A string constant is taken to be of the other side's type if an operator takes that type on both sides.
  const assumedLeft = leftOid === TypeOid.unknown ? rightOid : leftOid;
  const assumedRight = rightOid === TypeOid.unknown && left !== undefined ? leftOid : rightOid;
  const exact = candidates.filter(
    (candidate) => candidate.leftOid === assumedLeft && candidate.rightOid === assumedRight,
  );
  if (exact.length > 0) return summarise(exact, operandsOf);

  const operands = left === undefined ? [rightOid] : [leftOid, rightOid];
  const parameters = (candidate: CatalogOperator): readonly number[] =>
    left === undefined ? [candidate.rightOid] : operandsOf(candidate);
  const possible = candidates.filter((candidate) =>
    operands.every((oid, i) => couldBecome(catalog, oid, parameters(candidate)[i] ?? 0)),
  );
  return summarise(mostExact(catalog, possible, operands, parameters), operandsOf);
}

/** Function resolution ("Function Type Resolution" in the manual), as cautious as that of operators. */
export function resolveFunction(
  catalog: Catalog,
  searchPath: readonly string[],
  name: QualifiedName,
  argumentOids: readonly number[],
): Resolution | undefined {
  const key = `${name.schema ?? ''}\0${name.name}\0(${argumentOids.join()})\0${searchPath.join()}`;
  return remembered(catalog, key, () => chooseFunction(catalog, searchPath, name, argumentOids));
}

function chooseFunction(
  catalog: Catalog,
  searchPath: readonly string[],
  name: QualifiedName,
  argumentOids: readonly number[],
): Resolution | undefined {
  const possible = catalog
    .functions(name, searchPath)
    .filter((candidate) => takes(catalog, candidate, argumentOids));
  if (possible.some(({ kind, returnsSet, isVariadic }) => kind !== 'f' || returnsSet || isVariadic))
    return undefined;
  const best = mostExact(catalog, possible, argumentOids, (candidate) => candidate.argumentOids);
  return summarise(best, (candidate) => candidate.argumentOids);
}

/**
 * PostgreSQL keeps the candidates with the most exact matches. If some match wherever the operand's type is known, the
 * winner is among them: no other candidate can have as many.
 */
function mostExact<T>(
  catalog: Catalog,
  candidates: readonly T[],
  operands: readonly number[],
  parametersOf: (candidate: T) => readonly number[],
): readonly T[] {
  const exact = candidates.filter((candidate) => {
    const parameters = parametersOf(candidate);
    return operands.every(
      (oid, i) =>
        oid !== 0 &&
        (oid === TypeOid.unknown || catalog.baseTypeOid(oid) === catalog.baseTypeOid(parameters[i] ?? 0)),
    );
  });
  return exact.length > 0 ? exact : candidates;
}

function takes(catalog: Catalog, candidate: CatalogFunction, argumentOids: readonly number[]): boolean {
  const { argumentOids: parameters, defaultCount, isVariadic } = candidate;
  if (isVariadic) return argumentOids.length >= parameters.length - 1;
  if (argumentOids.length > parameters.length || argumentOids.length < parameters.length - defaultCount)
    return false;
  return argumentOids.every((oid, i) => couldBecome(catalog, catalog.baseTypeOid(oid), parameters[i] ?? 0));
}

const operandsOf = ({ leftOid, rightOid }: CatalogOperator): readonly number[] => [leftOid, rightOid];

function summarise<T extends CatalogOperator | CatalogFunction>(
  candidates: readonly T[],
  operands: (candidate: T) => readonly number[],
): Resolution | undefined {
  const [first] = candidates;
  if (first === undefined) return undefined;
  return {
    isImmutable: candidates.every(({ volatility }) => volatility === 'i'),
    isBuiltin: candidates.every(isBuiltin),
    resultOid: candidates.every(({ resultOid }) => resultOid === first.resultOid) ? first.resultOid : 0,
    operandOids: operands(first).map((_, i) => [
      ...new Set(candidates.map((candidate) => operands(candidate)[i] ?? 0)),
    ]),
  };
}

/** Whether a value of one type could be taken for an operand of another: false only if it certainly could not. */
function couldBecome(catalog: Catalog, from: number, to: number): boolean {
  if (from === to || from === 0 || from === TypeOid.unknown) return true;
  if (catalog.type(to)?.kind === 'p') return true;
  if (catalog.baseTypeOid(to) === from) return true;
  return catalog.cast(from, to)?.context === 'i';
}
