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
