import type { Node, RangeVar } from '@pgsql/types';
import { qualifiedName, type stringsOf, type QualifiedName } from '../ast/names';
import type { Catalog, CatalogRelation } from '../catalog/catalog';
import type { CteReferences } from './cte-references';
import type { Restrictable } from './restrictable';
import { nodesOf, type StatementNode } from './statement-nodes';

/** Why a whole statement is left alone. */
export interface RefusedStatement {
  readonly refused: string;
  /** Partition keys whose tables its blocks read with no key to restrict; absent if that is not the reason. */
  readonly unkeyed?: readonly string[];
}

/** What decides which relation or function a name means. */
export interface NameContext {
  readonly catalog: Catalog;
  readonly searchPath: readonly string[];
  /** Relations and types of the session's temporary schema. */
  readonly temporaryRelations: ReadonlySet<string>;
}

const refusedNodes: ReadonlyMap<string, string> = new Map([
  ['InsertStmt', 'data-modifying CTE'],
  ['UpdateStmt', 'data-modifying CTE'],
  ['DeleteStmt', 'data-modifying CTE'],
  ['MergeStmt', 'data-modifying CTE'],
  ['LockingClause', 'locking clause'],
  ['XmlExpr', 'unsupported expression XmlExpr'],
]);

/**
 * Rule S6, for the whole statement: what could have an effect besides its result, or would see rows that a fragment
 * does not see. A function that is not known counts as volatile. (A volatile function must run as often as it would have
 * without a restriction, and a restriction changes how often anything below it is evaluated.)
 */
export function checkStatement(
  statement: Restrictable,
  names: NameContext,
  ctes: CteReferences,
): RefusedStatement | undefined {
  const { all, kinds } = nodesOf(statement);
  const isRecursive = ({ fields }: StatementNode): boolean => isRecursiveClause(fields['withClause']);
  // That comes first, for what RECURSIVE makes of names is not looked into.
  if (kinds.has('CommonTableExpr') && (isRecursiveClause(statement.outerWith) || all.some(isRecursive)))
    return { refused: 'recursive CTE' };
  if (names.catalog.hasVolatileImplicitCast) return { refused: 'volatile cast' };
  for (const { kind, fields } of all) {
    const refused = refusedNodes.get(kind) ?? refuseNode(kind, fields, names, ctes);
    if (refused !== undefined) return { refused };
  }
  return undefined;
}

function refuseNode(
  kind: string,
  fields: Readonly<Record<string, unknown>>,
  names: NameContext,
  ctes: CteReferences,
): string | undefined {
  switch (kind) {
    case 'FuncCall':
      return refuseFunction(qualifiedName(fields['funcname'] as Parameters<typeof qualifiedName>[0]), names);
    case 'A_Expr':
    case 'SubLink':
    case 'SortBy':
    case 'CaseExpr':
    case 'JoinExpr':
      return refuseOperators(operatorsOf(kind, fields), names);
    case 'ColumnRef':
    case 'A_Indirection':
      return refuseRowFunction(fields['fields'] ?? fields['indirection'], names);
    case 'TypeCast':
      return refuseCast(fields['typeName'], names);
    case 'RangeVar': {
      const resolved = ctes.has(fields) ? undefined : resolveRelation(fields, names);
      return resolved !== undefined && 'refused' in resolved ? resolved.refused : undefined;
    }
    default:
      return undefined;
  }
}

function refuseFunction(
  name: QualifiedName | undefined,
  { catalog, searchPath }: NameContext,
): string | undefined {
  const candidates = name === undefined ? [] : catalog.functions(name, searchPath);
  if (candidates.length === 0) return 'unknown function';
  return candidates.some(({ volatility }) => volatility === 'v') ? 'volatile function' : undefined;
}

/** The operators of a node; those it does not spell out are looked for by these names all the same. */
function operatorsOf(kind: string, fields: Readonly<Record<string, unknown>>): readonly QualifiedName[] {
  const implied = (...names: string[]): readonly QualifiedName[] =>
    names.map((name) => ({ schema: undefined, name }));
  if (kind === 'CaseExpr') return fields['arg'] === undefined ? [] : implied('=');
  if (kind === 'JoinExpr')
    return fields['usingClause'] === undefined && fields['isNatural'] !== true ? [] : implied('=');
  if (String(fields['kind']).includes('BETWEEN')) return implied('<', '<=', '>', '>=');
  const written = qualifiedName(
    (fields['name'] ?? fields['operName'] ?? fields['useOp']) as Parameters<typeof qualifiedName>[0],
  );
  if (written !== undefined) return [written];
  return kind === 'SubLink' ? implied('=') : [];
}

function refuseOperators(
  operators: readonly QualifiedName[],
  { catalog, searchPath }: NameContext,
): string | undefined {
  const candidates = operators
    .filter(({ name }) => catalog.isAnyVolatile(name))
    .flatMap((name) => catalog.operators(name, searchPath));
  return candidates.some(({ volatility }) => volatility === 'v') ? 'volatile operator' : undefined;
}

/** `p.f` and `(p).f` call f(p), where p has no column of the name; whether it has is not asked. */
function refuseRowFunction(parts: unknown, { catalog }: NameContext): string | undefined {
  if (!catalog.hasVolatileOfRow) return undefined;
  const names = (Array.isArray(parts) ? (parts as readonly Node[]) : []).flatMap((part) =>
    'String' in part ? [part.String.sval ?? ''] : [],
  );
  return catalog.mayBeVolatileOfRow(names) ? 'volatile function' : undefined;
}

function refuseCast(
  typeName: unknown,
  { catalog, searchPath, temporaryRelations }: NameContext,
): string | undefined {
  const name = qualifiedName(stringNodes(typeName));
  if (name?.schema === undefined && temporaryRelations.has(name?.name ?? '')) return 'unknown type';
  const type = name === undefined ? undefined : catalog.typeByName(name, searchPath);
  if (type === undefined) return 'unknown type';
  return type.inputVolatility === 'v' || catalog.hasVolatileCastTo(type.oid) ? 'volatile cast' : undefined;
}

function stringNodes(typeName: unknown): Parameters<typeof stringsOf>[0] {
  if (typeof typeName !== 'object' || typeName === null || !('names' in typeName)) return undefined;
  return typeName.names as Parameters<typeof stringsOf>[0];
}

/** The relation that a name in FROM, which means no CTE, means to the session. */
export function resolveRelation(
  name: RangeVar,
  { catalog, searchPath, temporaryRelations }: NameContext,
): CatalogRelation | RefusedStatement {
  const { relname = '', schemaname, catalogname } = name;
  if (catalogname !== undefined) return { refused: 'database-qualified name' };
  // The temporary schema is searched before all others, and under the alias pg_temp.
  if (schemaname === undefined ? temporaryRelations.has(relname) : schemaname.startsWith('pg_temp')) {
    return { refused: 'temporary table' };
  }
  const relation = catalog.relation({ schema: schemaname, name: relname }, searchPath);
  if (relation === undefined) return { refused: 'unknown relation' };
  return refuseRelation(relation) ?? relation;
}

function refuseRelation({ hasRowSecurity, kind, definition }: CatalogRelation): RefusedStatement | undefined {
  if (hasRowSecurity) return { refused: 'row-level security' };
  return kind === 'v' && definition === undefined ? { refused: 'view' } : undefined;
}

function isRecursiveClause(clause: unknown): boolean {
  return (clause as { readonly recursive?: boolean } | undefined)?.recursive === true;
}
