import { quoteIdentifier } from '../ast/quote';
import { escapeTemplate } from '../ast/template';
import { isBuiltin, TypeOid, type Catalog } from '../catalog/catalog';
import type { Conjunct } from './conjuncts';
import type { KeyClass, KeyMember } from './key-classes';

/** A constant in a template: a string, or a number. */
const constant = String.raw`(?:'(?:[^']|'')*'|\(-[\d.]+\)|[\d.]+)`;
const list = String.raw`\(${constant}(?:, ${constant})*\)`;
/** A column compared with constants, as canonical text. */
const comparison = new RegExp(
  String.raw`^\((?:${constant} (=|<>|<|<=) )?(\{0\}\."(?:[^"{}]|""|\{\{|\}\})*")(?: (=|<>|<|<=) ${constant}| (NOT )?IN ${list}| (=) ANY ${list}| (<>) ALL ${list}| IS NOT NULL)?\)$`,
);

/** Whether a condition says something of the class's key alone, not of what else is in a row. */
export function isKeyCondition({ template, tables }: Conjunct, { members }: KeyClass): boolean {
  if (tables.length !== 1) return false;
  const [index] = tables;
  const member = members.find(({ table }) => table.index === index);
  if (member === undefined) return false;
  return template.replaceAll(keyText(member), '').search(/\{0\}/) === -1;
}

/**
 * The conditions of a block with those that follow from them: what holds for one key column of a class holds for all, which
 * are equal to it. So `a.k = b.k AND a.k IN (1, 2)` and `a.k = b.k AND b.k IN (1, 2)` have the same fragments. Only comparisons
 * with constants are carried over, which are about the value and not about its type: equal floats can differ in their text.
 */
export function withDerivedKeyConditions(
  conjuncts: readonly Conjunct[],
  classes: readonly KeyClass[],
  catalog: Catalog,
): readonly Conjunct[] {
  const derived = new Map(conjuncts.map((conjunct) => [nameOf(conjunct), conjunct]));
  for (const keyClass of classes.filter(({ members }) => members.length > 1)) {
    for (const conjunct of conjuncts) {
      const source = keyClass.members.find(({ table }) => table.index === conjunct.tables[0]);
      if (source === undefined || !isKeyCondition(conjunct, keyClass)) continue;
      const [, before, column, after, , any, all] = comparison.exec(conjunct.template) ?? [];
      if (column !== keyText(source)) continue;
      const operator = before ?? after ?? any ?? all ?? '=';
      for (const target of keyClass.members) {
        if (target === source || !meansTheSame(source, target, operator, catalog)) continue;
        const template = conjunct.template.replace(column, () => keyText(target));
        const other = { template, tables: [target.table.index], isSymmetric: false };
        derived.set(nameOf(other), derived.get(nameOf(other)) ?? other);
      }
    }
  }
  return derived.size === conjuncts.length ? conjuncts : [...derived.values()];
}

const integers: ReadonlySet<number> = new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8]);

/**
 * Of one type, the operator is the same. Integers of different types are compared by their value, unless somebody has made an
 * operator of the name.
 */
function meansTheSame(source: KeyMember, target: KeyMember, operator: string, catalog: Catalog): boolean {
  if (source.typeOid === target.typeOid) return true;
  return (
    integers.has(source.typeOid) &&
    integers.has(target.typeOid) &&
    catalog.operatorsNamed(operator).every(isBuiltin)
  );
}

function keyText({ column }: KeyMember): string {
  return `{0}.${escapeTemplate(quoteIdentifier(column))}`;
}

function nameOf({ template, tables }: Conjunct): string {
  return `${template} ${tables.join(',')}`;
}
