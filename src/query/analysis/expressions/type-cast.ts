import type { TypeCast, TypeName } from '@pgsql/types';
import { qualifiedName } from '../../ast/names';
import { escapeTemplate } from '../../ast/template';
import { TypeOid, type CatalogType } from '../../catalog/catalog';
import { isUnusable, unusable, type Expression, type ExpressionScope, type Unusable } from '../expression';
import { isStableLiteral } from '../literal';
import { typeText } from './constant';

/** Casts whose meaning depends on nothing but the value: `ts::text` depends on DateStyle and stays out. */
export function canonicaliseTypeCast(cast: TypeCast, scope: ExpressionScope): Expression | Unusable {
  const target = targetType(cast.typeName, scope);
  if (isUnusableType(target)) return target;
  const argument = scope.canonicalise(cast.arg);
  if (isUnusable(argument)) return argument;

  const template = `${argument.template}::${escapeTemplate(target.sql)}`;
  const isNothing = argument.typeOid === target.type.oid && !target.isModified;
  if (argument.unknownLiteral !== undefined) {
    if (!isStableLiteral(scope.catalog, target.type.oid, argument.unknownLiteral)) {
      return unusable('time-dependent or catalog-dependent constant');
    }
  } else if (argument.typeOid !== TypeOid.unknown && !isImmutableCast(argument.typeOid, target.type, scope)) {
    return unusable('cast is not immutable');
  }
  return {
    template: `(${template})`,
    typeOid: target.type.oid,
    mayRaise: argument.mayRaise || !(argument.isConstant || isNothing),
    isConstant: argument.isConstant,
    collations: argument.collations,
  };
}

function isImmutableCast(sourceOid: number, target: CatalogType, scope: ExpressionScope): boolean {
  const { catalog } = scope;
  const source = catalog.type(sourceOid);
  if (source === undefined || source.kind === 'd' || target.kind === 'd') return false;
  if (source.oid === target.oid) return true;
  const cast = catalog.cast(source.oid, target.oid);
  if (cast !== undefined && cast.volatility !== 'i') return false;
  // Without a cast of its own, or with one that only says "through text", PostgreSQL writes the value out and reads it again.
  return cast !== undefined || (source.outputVolatility === 'i' && target.inputVolatility === 'i');
}

interface Target {
  readonly type: CatalogType;
  readonly sql: string;
  /** With a length or precision, that is: a cast to the same type may then still change or refuse the value. */
  readonly isModified: boolean;
}

function isUnusableType(target: Target | Unusable): target is Unusable {
  return 'unusable' in target;
}

function targetType(name: TypeName | undefined, scope: ExpressionScope): Target | Unusable {
  const qualified = qualifiedName(name?.names);
  if (name === undefined || qualified === undefined || name.setof === true || name.pct_type === true) {
    return unusable('unsupported type name');
  }
  const named = scope.catalog.typeByName(qualified, scope.searchPath);
  if (named === undefined) return unusable('unknown type');
  const modifiers: string[] = [];
  for (const modifier of name.typmods ?? []) {
    if (!('A_Const' in modifier) || modifier.A_Const.ival === undefined)
      return unusable('unsupported type modifier');
    modifiers.push(String(modifier.A_Const.ival.ival ?? 0));
  }
  if (modifiers.length > 0 && named.oid === TypeOid.interval) return unusable('unsupported type modifier');
  const element = `${typeText(named)}${modifiers.length > 0 ? `(${modifiers.join(',')})` : ''}`;
  const isModified = modifiers.length > 0;
  if ((name.arrayBounds ?? []).length === 0) return { type: named, sql: element, isModified };
  const array = scope.catalog.arrayTypeOf(named.oid);
  return array === undefined ? unusable('unknown type') : { type: array, sql: `${element}[]`, isModified };
}
