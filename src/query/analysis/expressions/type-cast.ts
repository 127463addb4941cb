import type { TypeCast, TypeName } from '@pgsql/types';
import { qualifiedName } from '../../ast/names';
import { escapeTemplate } from '../../ast/template';
import { TypeOid, type CatalogType } from '../../catalog/catalog';
import { isUnusable, unusable, type Expression, type ExpressionScope, type Unusable } from '../expression';
import { isStableLiteral } from '../literal';
import { isCutByCast, isQuietCast } from '../raising/cast';
import { canonicaliseArray } from './array';
import { typeText } from './constant';
import { isImmutableCast } from './conversion';

/** Casts whose meaning depends on nothing but the value: `ts::text` depends on DateStyle and stays out. */
export function canonicaliseTypeCast(cast: TypeCast, scope: ExpressionScope): Expression | Unusable {
  const { catalog } = scope;
  const target = targetType(cast.typeName, scope);
  if (isUnusable(target)) return target;
  const argument =
    cast.arg !== undefined && 'A_ArrayExpr' in cast.arg && target.type.elementOid !== 0
      ? canonicaliseArray(cast.arg.A_ArrayExpr, scope, target.type.elementOid)
      : scope.canonicalise(cast.arg);
  if (isUnusable(argument)) return argument;

  const { unknownLiteral, isConstant, collations, reads } = argument;
  if (unknownLiteral !== undefined) {
    if (!isStableLiteral(catalog, target.type.oid, unknownLiteral))
      return unusable('time-dependent or catalog-dependent constant');
  } else if (
    argument.typeOid !== TypeOid.unknown &&
    !isImmutableCast(catalog, argument.typeOid, target.type.oid)
  ) {
    return unusable('cast is not immutable');
  }
  const isQuiet =
    isConstant ||
    (isQuietCast(catalog, argument.typeOid, target.type.oid) &&
      (!target.isModified || isCutByCast(target.type.oid)));
  const literalText = target.isModified ? undefined : textOf(argument, target.type.oid);
  return {
    template: `(${argument.template}::${escapeTemplate(target.sql)})`,
    typeOid: target.type.oid,
    mayRaise: argument.mayRaise || !isQuiet,
    isConstant,
    collations,
    reads,
    ...(literalText === undefined ? {} : { literalText }),
  };
}

const integers: ReadonlySet<number> = new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8]);

/** The text of a constant that is cast: its own, if the type reads it so. */
function textOf({ unknownLiteral, literalText, typeOid }: Expression, targetOid: number): string | undefined {
  if (unknownLiteral !== undefined) return unknownLiteral;
  return typeOid === targetOid || (integers.has(typeOid) && integers.has(targetOid))
    ? literalText
    : undefined;
}

interface Target {
  readonly type: CatalogType;
  readonly sql: string;
  /** With a length or precision, that is: a cast to the same type may then still change or refuse the value. */
  readonly isModified: boolean;
}

function targetType(name: TypeName | undefined, scope: ExpressionScope): Target | Unusable {
  const qualified = qualifiedName(name?.names);
  if (name === undefined || qualified === undefined || name.setof === true || name.pct_type === true) {
    return unusable('unsupported type name');
  }
  const named = scope.catalog.typeByName(qualified, scope.searchPath);
  if (named === undefined) return unusable('unknown type');
  const modifiers: number[] = [];
  for (const modifier of name.typmods ?? []) {
    if (!('A_Const' in modifier) || modifier.A_Const.ival === undefined)
      return unusable('unsupported type modifier');
    modifiers.push(modifier.A_Const.ival.ival ?? 0);
  }
  const element = modifiedType(named, modifiers);
  if (element === undefined) return unusable('unsupported type modifier');
  const isModified = modifiers.length > 0;
  if ((name.arrayBounds ?? []).length === 0) return { type: named, sql: element, isModified };
  const array = scope.catalog.arrayTypeOf(named.oid);
  return array === undefined ? unusable('unknown type') : { type: array, sql: `${element}[]`, isModified };
}

function modifiedType(type: CatalogType, modifiers: readonly number[]): string | undefined {
  const [first] = modifiers;
  if (first === undefined) return typeText(type);
  if (type.oid !== TypeOid.interval) return `${typeText(type)}(${modifiers.join(',')})`;
  const fields = modifiers.length === 1 ? intervalFields.get(first) : undefined;
  return fields === undefined ? undefined : `interval ${fields}`;
}

/** Masks of fields of an interval as the parser gives them (INTERVAL_MASK in src/include/utils/timestamp.h). */
const [month, year, day, hour, minute, second] = [1 << 1, 1 << 2, 1 << 3, 1 << 10, 1 << 11, 1 << 12];
const intervalFields: ReadonlyMap<number, string> = new Map([
  [year, 'year'],
  [month, 'month'],
  [day, 'day'],
  [hour, 'hour'],
  [minute, 'minute'],
  [second, 'second'],
  [year | month, 'year to month'],
  [day | hour, 'day to hour'],
  [day | hour | minute, 'day to minute'],
  [day | hour | minute | second, 'day to second'],
  [hour | minute, 'hour to minute'],
  [hour | minute | second, 'hour to second'],
  [minute | second, 'minute to second'],
]);
