import { TypeOid, type Catalog } from '../catalog/catalog';

/** Words in a date or time constant that mean another value on another day. */
const timeDependent = /now|today|tomorrow|yesterday/i;

/** In a constant of arrays or ranges they may stand within a word: `'{to\day}'`. */
const escapes = /["\\]/g;

/** Types whose input function is stable only for settings that are part of an entry's identity (TimeZone, DateStyle, IntervalStyle). */
const inputDependsOnContext: ReadonlySet<number> = new Set([
  TypeOid.date,
  TypeOid.time,
  TypeOid.timestamp,
  TypeOid.timestamptz,
  TypeOid.interval,
]);

/**
 * Whether a string constant means the same value of the type whenever it is read, within one session context.
 * `'today'::date` does not, nor does `'orders'::regclass`.
 */
export function isStableLiteral(catalog: Catalog, typeOid: number, text: string): boolean {
  const type = catalog.type(typeOid);
  if (type === undefined) return false;
  if (inputDependsOnContext.has(type.oid)) return !timeDependent.test(text.replace(escapes, ''));
  if (type.kind === 'e') return true;
  if (type.elementOid !== 0) return isStableLiteral(catalog, type.elementOid, text);
  // Bounds are read by their own type's rules, and the text holds them both.
  if ((type.kind === 'r' || type.kind === 'm') && type.partOid !== 0)
    return isStableLiteral(catalog, type.partOid, text);
  return type.kind === 'b' && type.inputVolatility === 'i';
}

/**
 * Whether a constant of the type is read as the same value at any time, while settings and catalog stay as they are, but for the words in
 * `isLastingLiteral`. Not so an enum's: its values can be given other names.
 */
export function isLastingType(catalog: Catalog, typeOid: number): boolean {
  const type = catalog.type(catalog.domainBaseOid(typeOid));
  if (type === undefined) return false;
  if (inputDependsOnContext.has(type.oid)) return true;
  if (type.elementOid !== 0) return isLastingType(catalog, type.elementOid);
  if ((type.kind === 'r' || type.kind === 'm') && type.partOid !== 0)
    return isLastingType(catalog, type.partOid);
  return type.kind === 'b' && type.inputVolatility === 'i';
}

/**
 * Whether a string constant is read as the same value at any time, while settings and catalog stay as they are.
 *
 * @param typeOid undefined: of some type that lasts, whichever
 */
export function isLastingLiteral(catalog: Catalog, typeOid: number | undefined, text: string): boolean {
  if (typeOid !== undefined && catalog.type(typeOid)?.kind === 'd') return false;
  if (typeOid !== undefined && !isLastingType(catalog, typeOid)) return false;
  return !timeDependent.test(text.replace(escapes, ''));
}
