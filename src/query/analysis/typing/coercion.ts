import { TypeOid, type Catalog } from '../../catalog/catalog';

/**
 * Whether PostgreSQL turns a value of one type into another unasked (`can_coerce_type` for implicit casts in
 * src/backend/parser/parse_coerce.c). Polymorphic types are not looked at here.
 */
export function canCoerce(catalog: Catalog, from: number, to: number): boolean {
  if (from === to || to === TypeOid.any || from === TypeOid.unknown) return true;
  return hasPathway(catalog, from, to);
}

function hasPathway(catalog: Catalog, from: number, to: number): boolean {
  const [source, target] = [catalog.domainBaseOid(from), catalog.domainBaseOid(to)];
  if (source === target) return true;
  const cast = catalog.cast(source, target);
  if (cast !== undefined) return cast.context === 'i';
  const [sourceElement, targetElement] = [catalog.elementOf(source), catalog.elementOf(target)];
  return sourceElement !== 0 && targetElement !== 0 && hasPathway(catalog, sourceElement, targetElement);
}

/**
 * The type that PostgreSQL gives several expressions in common, as in COALESCE, CASE, ARRAY[…] and IN (`select_common_type`;
 * manual, "UNION, CASE, and Related Constructs"); undefined if it refuses them.
 */
export function commonType(catalog: Catalog, typeOids: readonly number[]): number | undefined {
  const [first] = typeOids;
  if (first === undefined || typeOids.includes(0)) return undefined;
  if (first !== TypeOid.unknown && typeOids.every((oid) => oid === first)) return first;
  let common = catalog.domainBaseOid(first);
  for (const next of typeOids.slice(1).map((oid) => catalog.domainBaseOid(oid))) {
    if (next === TypeOid.unknown || next === common) continue;
    if (common === TypeOid.unknown) {
      common = next;
      continue;
    }
    const [known, other] = [catalog.type(common), catalog.type(next)];
    if (known === undefined || other === undefined || known.category !== other.category) return undefined;
    if (!known.isPreferred && canCoerce(catalog, common, next) && !canCoerce(catalog, next, common))
      common = next;
  }
  if (common === TypeOid.unknown) common = TypeOid.text;
  return typeOids.every((oid) => canCoerce(catalog, oid, common)) ? common : undefined;
}
