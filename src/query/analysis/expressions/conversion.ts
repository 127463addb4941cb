import { TypeOid, type Catalog } from '../../catalog/catalog';
import type { Expression } from '../expression';
import { unusable, type Unusable } from '../expression';
import { isStableLiteral } from '../literal';
import { isQuietCast } from '../raising/cast';

/** What it takes to turn a value into the type that an operator or function takes. */
export interface Conversion {
  readonly mayRaise: boolean;
}

/**
 * The conversion PostgreSQL applies unasked to an operand. Unusable if it depends on anything but the value: 'today' as a date
 * does, and a `timestamp` as a `timestamptz`.
 */
export function convert(catalog: Catalog, operand: Expression, typeOid: number): Conversion | Unusable {
  const { unknownLiteral, isConstant } = operand;
  if (operand.typeOid === TypeOid.unknown) {
    return unknownLiteral === undefined || isStableLiteral(catalog, typeOid, unknownLiteral)
      ? { mayRaise: false }
      : unusable('time-dependent or catalog-dependent constant');
  }
  if (!isImmutableCast(catalog, operand.typeOid, typeOid)) return unusable('cast is not immutable');
  return { mayRaise: !isConstant && !isQuietCast(catalog, operand.typeOid, typeOid) };
}

/** The same for several operands, each with a type of its own. */
export function convertAll(
  catalog: Catalog,
  operands: readonly Expression[],
  typeOids: readonly number[],
): Conversion | Unusable {
  let mayRaise = false;
  for (const [i, operand] of operands.entries()) {
    const conversion = convert(catalog, operand, typeOids[i] ?? 0);
    if ('unusable' in conversion) return conversion;
    mayRaise ||= conversion.mayRaise;
  }
  return { mayRaise };
}

/** Whether a cast means the same whenever it is made. The checks of a domain may call anything. */
export function isImmutableCast(catalog: Catalog, from: number, to: number): boolean {
  if (from === to) return true;
  const target = catalog.type(to);
  const source = catalog.type(catalog.domainBaseOid(from));
  if (source === undefined || target === undefined) return false;
  if (target.kind === 'd')
    return target.inputVolatility !== 'v' && isImmutableCast(catalog, from, catalog.domainBaseOid(to));
  if (source.oid === target.oid || target.kind === 'p') return true;
  const cast = catalog.cast(source.oid, target.oid);
  if (cast !== undefined) return cast.volatility === 'i';
  if (source.elementOid !== 0 && target.elementOid !== 0)
    return isImmutableCast(catalog, source.elementOid, target.elementOid);
  // Without a cast of its own, PostgreSQL writes the value out and reads it again.
  return source.outputVolatility === 'i' && target.inputVolatility === 'i';
}
