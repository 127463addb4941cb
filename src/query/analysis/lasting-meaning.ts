import type { A_Expr, FuncCall, Node, RangeVar } from '@pgsql/types';
import { qualifiedName, stringsOf } from '../ast/names';
import type { Catalog, CatalogFunction, CatalogOperator } from '../catalog/catalog';
import { cteReferences } from './cte-references';
import { isLastingLiteral, isLastingType } from './literal';
import type { Restrictable } from './restrictable';
import { resolveRelation, type NameContext } from './statement-check';
import { nodesOf, type StatementNode, type StatementNodes } from './statement-nodes';

/** What is understood here. Whatever else stands in a statement, it is taken for something that may mean another thing later. */
const understood: ReadonlySet<string> = new Set([
  ...['SelectStmt', 'ResTarget', 'RangeVar', 'RangeSubselect', 'JoinExpr', 'CommonTableExpr', 'SubLink'],
  ...['ColumnRef', 'A_Star', 'A_Const', 'A_Expr', 'A_ArrayExpr', 'BoolExpr', 'NullTest', 'BooleanTest'],
  ...['FuncCall', 'TypeCast', 'CaseExpr', 'CaseWhen', 'CoalesceExpr', 'MinMaxExpr', 'SQLValueFunction'],
  ...['SortBy', 'WindowDef', 'GroupingSet', 'List', 'String', 'Integer'],
]);

/** What lists what the session itself has prepared, and runs. */
const listsOwn: ReadonlySet<string> = new Set(['pg_cursor', 'pg_prepared_statement']);

/** A constant's text, by the A_Const node. */
type Literals = ReadonlyMap<unknown, string>;

/**
 * Whether a statement that is parsed once means, as long as neither settings nor the catalog change, what it would mean were it parsed each time
 * it is run. What makes a difference is what the server reads while it parses:
 *
 *   WHERE opened < 'today'              -- a constant of a date is read once
 *   WHERE closes < '18:00'              -- of `time with time zone`: at today's offset
 *   WHERE relation = 'place'::regclass  -- the table that has the name now
 *   WHERE kind = 'kiosk'                -- of an enum: the value of that name, whatever it is called later
 *
 * The type of a constant that stands without a cast is the server's choice, and the choice is not followed here: it is made sure that no type
 * of that kind can come of the columns, casts, functions and operators of the statement.
 */
export function hasLastingMeaning(statement: Restrictable, names: NameContext): boolean {
  const nodes = nodesOf(statement);
  for (const kind of nodes.kinds) if (!understood.has(kind)) return false;
  if (mayCallScript(nodes, names)) return false;
  const literals = literalsOf(nodes);
  const typed = new Set<unknown>();
  for (const { kind, fields } of nodes.all) {
    if (kind === 'RangeVar' && !isFirstOfItsName(statement, fields, names)) return false;
    if (kind !== 'TypeCast') continue;
    const constant = constantOf(fields['arg'] as Node | undefined);
    const text = literals.get(constant);
    if (text === undefined) continue;
    const type = typeNamed(fields['typeName'], names);
    if (type === undefined || !isLastingLiteral(names.catalog, type, text)) return false;
    typed.add(constant);
  }
  const untyped = new Map([...literals].filter(([constant]) => !typed.has(constant)));
  return untyped.size === 0 || isLastingWithoutTypes(statement, nodes, untyped, names);
}

/**
 * Whether it may call a function that a user has written. The planner reads the body of one in SQL, with what constants it has, and puts it in
 * the place of the call; of one that says it is immutable, whatever tables it reads, it puts the result.
 */
function mayCallScript({ all }: StatementNodes, { catalog, searchPath }: NameContext): boolean {
  if (catalog.hasScriptOperatorOrCast) return true;
  return all.some(({ kind, fields }) => {
    if (kind === 'ColumnRef')
      return (stringsOf(withoutStar(fields['fields'])) ?? []).some((name) =>
        catalog.functionsOfRow(name).some(({ isScript }) => isScript),
      );
    if (kind !== 'FuncCall') return false;
    const name = qualifiedName(fields['funcname'] as readonly Node[]);
    if (name === undefined || listsOwn.has(name.name)) return true;
    return catalog.functions(name, searchPath).some(({ isScript }) => isScript);
  });
}

function isLastingWithoutTypes(
  statement: Restrictable,
  nodes: StatementNodes,
  untyped: Literals,
  names: NameContext,
): boolean {
  if (![...untyped.values()].every((text) => isLastingLiteral(names.catalog, undefined, text))) return false;
  const mentioned = columnsMentioned(nodes);
  const rows = rowsNamed(nodes);
  return nodes.all.every(
    (node) =>
      !isWholeRow(node, rows) &&
      !isComparedWithRows(node, untyped) &&
      isLastingNode(statement, node, mentioned, untyped, names),
  );
}

function isLastingNode(
  statement: Restrictable,
  { kind, fields }: StatementNode,
  mentioned: ReadonlySet<string> | undefined,
  untyped: Literals,
  names: NameContext,
): boolean {
  const { catalog } = names;
  switch (kind) {
    case 'RangeVar':
      return hasLastingColumns(statement, fields, mentioned, names);
    case 'ColumnRef':
      return (stringsOf(withoutStar(fields['fields'])) ?? []).every(
        (name) => catalog.functionsOfRow(name).length === 0,
      );
    case 'TypeCast': {
      const type = typeNamed(fields['typeName'], names);
      return type !== undefined && isLastingType(catalog, type);
    }
    case 'SQLValueFunction':
      return !String(fields['op']).startsWith('SVFOP_CURRENT_TIME');
    case 'FuncCall':
      return isLastingCall(fields, untyped, names);
    case 'A_Expr':
      return isLastingOperation(fields, untyped, names);
    default:
      return true;
  }
}

/** Whether nobody can make a relation that would be found in its place: no schema is searched before its own. */
function isFirstOfItsName(statement: Restrictable, range: RangeVar, names: NameContext): boolean {
  if (cteReferences(statement).has(range) || range.schemaname !== undefined) return true;
  const relation = resolveRelation(range, names);
  const searched = names.searchPath.find((schema) => schema !== 'pg_catalog');
  return !('refused' in relation) && relation.schema === searched;
}

/** Of a relation only the columns that are mentioned, or all if they may be by other names. */
function hasLastingColumns(
  statement: Restrictable,
  range: RangeVar,
  mentioned: ReadonlySet<string> | undefined,
  names: NameContext,
): boolean {
  if (cteReferences(statement).has(range)) return true;
  const relation = resolveRelation(range, names);
  if ('refused' in relation || relation.columns.size === 0) return false;
  return [...relation.columns.values()].every(
    ({ name, typeOid }) =>
      (mentioned !== undefined && !mentioned.has(name)) || isLastingType(names.catalog, typeOid),
  );
}

/** The names by which an item of FROM is spoken of. */
function rowsNamed({ all }: StatementNodes): ReadonlySet<string> {
  const names = all.flatMap(({ fields }) => {
    const alias = fields['alias'] as { readonly aliasname?: string } | undefined;
    return [alias?.aliasname, fields['relname'] as string | undefined];
  });
  return new Set(names.filter((name) => name !== undefined));
}

/** `coalesce(p, '(7,ok)')`, where p is a table: the constant is read as a row of it. */
function isWholeRow({ kind, fields }: StatementNode, rows: ReadonlySet<string>): boolean {
  if (kind !== 'ColumnRef') return false;
  const last = stringsOf(withoutStar(fields['fields']))?.at(-1);
  return last !== undefined && rows.has(last) && !(fields['fields'] as readonly Node[]).some(isStar);
}

/** `'a' <operator> ANY (SELECT …)` */
function isComparedWithRows({ kind, fields }: StatementNode, untyped: Literals): boolean {
  return kind === 'SubLink' && holds(fields['testexpr'] as Node | undefined, untyped);
}

/** Undefined: any column may be meant by some name. */
function columnsMentioned({ all, kinds }: StatementNodes): ReadonlySet<string> | undefined {
  if (kinds.has('A_Star')) return undefined;
  const mentioned = new Set<string>();
  for (const { kind, fields } of all) {
    const alias = fields['alias'] as { readonly colnames?: unknown } | undefined;
    if (alias?.colnames !== undefined || fields['aliascolnames'] !== undefined) return undefined;
    if (kind !== 'ColumnRef') continue;
    for (const name of stringsOf(fields['fields'] as readonly Node[]) ?? []) mentioned.add(name);
  }
  return mentioned;
}

/** Of all functions that may be meant: none takes such a constant as a type that does not last, and none makes one of types that do. */
function isLastingCall(call: FuncCall, untyped: Literals, { catalog, searchPath }: NameContext): boolean {
  const name = qualifiedName(call.funcname);
  const args = call.args ?? [];
  const functions = name === undefined ? [] : catalog.functions(name, searchPath);
  const isLasting = ({ argumentOids, variadicOid, resultOid }: CatalogFunction): boolean => {
    if (args.length > argumentOids.length && variadicOid === 0) return true;
    const typeAt = (at: number): number =>
      variadicOid !== 0 && at >= argumentOids.length - 1 ? variadicOid : (argumentOids[at] ?? 0);
    const takesLasting = args.every(
      (arg, at) => !untyped.has(constantOf(arg)) || isLastingArgument(catalog, typeAt(at)),
    );
    const isUsedWithOthers = !args.every((_, at) => isLastingArgument(catalog, typeAt(at)));
    return takesLasting && (isUsedWithOthers || isLastingArgument(catalog, resultOid));
  };
  return functions.length > 0 && functions.every(isLasting);
}

/**
 * Of all operators that may be meant. A constant gets the type of the other operand if there is an operator for that (manual, "Operator Type
 * Resolution"), and that type lasts.
 */
function isLastingOperation(
  { name, lexpr, rexpr }: A_Expr,
  untyped: Literals,
  { catalog, searchPath }: NameContext,
): boolean {
  const [hasLeft, hasRight] = [holds(lexpr, untyped), holds(rexpr, untyped)];
  if (lexpr === undefined && hasRight) return false;
  const operator = qualifiedName(name);
  const named = operator === undefined ? undefined : operatorsOf(operator.name);
  if (named === undefined) return false;
  const isLasting = ({ leftOid, rightOid, resultOid }: CatalogOperator): boolean => {
    const [left, right] = [isLastingArgument(catalog, leftOid), isLastingArgument(catalog, rightOid)];
    if (left && right) return isLastingArgument(catalog, resultOid);
    return !(hasLeft && right) && !(hasRight && left);
  };
  return named
    .flatMap((each) => catalog.operators({ schema: operator?.schema, name: each }, searchPath))
    .every(isLasting);
}

/** BETWEEN is written as if it were an operator. */
function operatorsOf(name: string): readonly string[] {
  return name.includes('BETWEEN') ? ['<', '<=', '>', '>='] : [name];
}

/** A polymorphic type becomes that of another argument, or text. */
function isLastingArgument(catalog: Catalog, oid: number): boolean {
  const type = catalog.type(oid);
  if (type?.kind !== 'p') return isLastingType(catalog, oid);
  return type.name.startsWith('any');
}

function literalsOf({ all }: StatementNodes): Literals {
  const literals = new Map<unknown, string>();
  for (const { kind, fields } of all) {
    const string = fields['sval'] as { readonly sval?: string } | undefined;
    if (kind === 'A_Const' && string !== undefined) literals.set(fields, string.sval ?? '');
  }
  return literals;
}

function constantOf(node: Node | undefined): unknown {
  return node !== undefined && 'A_Const' in node ? node.A_Const : undefined;
}

/** Whether a node is such a constant, or a list with one in it. */
function holds(node: Node | undefined, literals: Literals): boolean {
  if (node !== undefined && 'List' in node)
    return (node.List.items ?? []).some((item) => holds(item, literals));
  return literals.has(constantOf(node));
}

function withoutStar(fields: unknown): readonly Node[] {
  return (fields as readonly Node[]).filter((field) => !isStar(field));
}

function isStar(field: Node): boolean {
  return 'A_Star' in field;
}

function typeNamed(
  typeName: unknown,
  { catalog, searchPath, temporaryRelations }: NameContext,
): number | undefined {
  const { names, arrayBounds } = typeName as {
    readonly names?: readonly Node[];
    readonly arrayBounds?: unknown;
  };
  const name = qualifiedName(names);
  if (name === undefined || (name.schema === undefined && temporaryRelations.has(name.name)))
    return undefined;
  const oid = catalog.typeByName(name, searchPath)?.oid;
  return oid !== undefined && arrayBounds !== undefined ? catalog.arrayTypeOf(oid)?.oid : oid;
}
