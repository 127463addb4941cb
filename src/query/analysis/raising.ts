import { isBuiltin, TypeOid, type Catalog } from '../catalog/catalog';

/**
 * What is known never to raise an error, whatever the rows hold (rule S12). Everything else may: arithmetic overflows,
 * casts of text fail, functions check their arguments.
 */
export const comparisonOperators: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '<=', '>', '>=']);

/** LIKE and the regular expressions raise only for a malformed pattern, so a constant pattern raises while planning or never. */
export const patternOperators: ReadonlySet<string> = new Set([
  '~~',
  '!~~',
  '~~*',
  '!~~*',
  '~',
  '!~',
  '~*',
  '!~*',
]);

/** Builtin functions of text that are defined for every argument. */
export const totalFunctions: ReadonlySet<string> = new Set([
  'lower',
  'upper',
  'length',
  'char_length',
  'character_length',
  'octet_length',
  'btrim',
  'ltrim',
  'rtrim',
  'strpos',
  'position',
  'starts_with',
  'md5',
  'reverse',
]);

const comparableFamilies: readonly ReadonlySet<number>[] = [
  new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8, TypeOid.numeric]),
  new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8, TypeOid.float4, TypeOid.float8]),
  new Set([TypeOid.text, TypeOid.varchar, TypeOid.bpchar]),
  new Set([TypeOid.date, TypeOid.timestamp]),
];

/** Whether comparing values of the two types is known never to raise. A string constant takes the other side's type. */
export function comparesWithoutError(catalog: Catalog, left: number, right: number): boolean {
  const leftOid = catalog.baseTypeOid(left === TypeOid.unknown ? right : left);
  const rightOid = catalog.baseTypeOid(right === TypeOid.unknown ? left : right);
  if (leftOid === rightOid) {
    const type = catalog.type(leftOid);
    return type !== undefined && isBuiltin(type) && type.kind === 'b' ? true : type?.kind === 'e';
  }
  return comparableFamilies.some((family) => family.has(leftOid) && family.has(rightOid));
}
