import type { KeySet } from '../cache/key-set';
import type { AnalysedBlock } from '../query/analysis/analyse';
import type { Restrictable } from '../query/analysis/restrictable';
import type { KeyClass, KeyMember } from '../query/analysis/key-classes';
import {
  freshKeys,
  guardSql,
  type ConstantKeys,
  type Freshness,
  type TableOfKeys,
} from '../freshness/fresh-keys';
import { quoteIdentifier } from '../query/ast/quote';
import type { Catalog } from '../query/catalog/catalog';
import { insert, type Insertion } from '../query/rewrite/insertion';
import { rowsOf } from '../query/rewrite/key-source';
import type { KeyTable } from '../query/rewrite/key-table';
import type { Method } from '../query/rewrite/method';
import {
  elementTypeOf,
  restrictMember,
  type ElementType,
  type PlacedKeys,
} from '../query/rewrite/restriction';
import { restrictionSite } from '../query/rewrite/restriction-site';
import { bareText } from '../query/rewrite/bare-query';
import { insertionsFor, type BlockRestriction } from '../query/rewrite/splice';
import { isExactlyRestricted, type ExpectedOffset, type ExpectedRestriction } from '../query/rewrite/verify';
import type { CandidateStatement } from './candidate-statement';
import { formOf, singleColumns, type Form, type Spread } from './form';
import { type Placed, placeKeys, placeRows } from './placed-keys';

/** A key class of a block and the keys it is to be restricted to. */
export interface ClassKeys {
  readonly block: AnalysedBlock;
  readonly keyClass: KeyClass;
  readonly keys: KeySet;
  /** What they are kept fresh with; absent for data that is promised not to change. */
  readonly freshness?: Freshness;
}

/** The same, with what it may be done by. */
export interface ClassRestriction extends ClassKeys {
  /** The methods to choose from, best guess first; never empty. */
  readonly methods: readonly [Method, ...Method[]];
  /** Of the table that is to be restricted, whatever the spread, if the class has one of that name. */
  readonly alias?: string | undefined;
}

/** The same for keys that are read when the statement is run. */
export interface RestrictionByRows extends Omit<ClassRestriction, 'keys'> {
  /**
   * A SELECT of the keys, of one column, as it is to be compared with a column of a type; undefined if there is none.
   *
   * @param all a table that all keys can be read from, if the class has one
   */
  readonly rows: (elementType: ElementType, all: TableOfKeys | undefined) => string | undefined;
}

export type AnyRestriction = ClassRestriction | RestrictionByRows;

export interface RewrittenText {
  readonly text: string;
  /** What was put into the client's text, in the order of the text. */
  readonly insertions: readonly Insertion[];
  /** The columns that are restricted, as `alias.column`. */
  readonly columns: readonly string[];
  /** The blocks that are restricted. */
  readonly blocks: ReadonlySet<AnalysedBlock>;
  /**
   * The restricted queries of the text by themselves: what the server can be asked about. In place of a temporary table, which
   * is not there then, is a row of the same type.
   */
  readonly queries: readonly string[];
  /** Temporary tables the text reads. */
  readonly tables: readonly KeyTable[];
  /** Which columns were restricted in which form, not to which keys: what the server's opinion of the text depends on. */
  readonly form: string;
}

/**
 * Restricts the classes in a form: by its method where a class can be restricted by it, else by the class's first. The result depends on nothing
 * but the arguments; for the same key sets, temporary tables have the same names.
 *
 * @returns undefined if the text has no place for any restriction where one is expected, or does not parse to exactly the
 *   original plus the restrictions (rule S9): the original is sent instead
 */
export function rewrite(
  statement: CandidateStatement,
  classes: readonly AnyRestriction[],
  form: Form,
  catalog: Catalog,
): RewrittenText | undefined {
  const columns = columnsToRestrict(classes, form, catalog);
  const byBlock = new Map<AnalysedBlock, { readonly sent: string[]; readonly asked: string[] }>();
  const needed = new Set<KeyTable>();
  for (const { block, keyClass, keys, member, method, freshKeys } of columns) {
    const restrictions = byBlock.get(block) ?? { sent: [], asked: [] };
    byBlock.set(block, restrictions);
    if (method === 'none') {
      restrictions.sent.push(restrictMember(member, keyClass, method));
      restrictions.asked.push(restrictMember(member, keyClass, method));
      continue;
    }
    const { sent, asked, table } = keys(method);
    if (table !== undefined) needed.add(table);
    restrictions.sent.push(restrictMember(member, keyClass, freshKeys(sent)));
    restrictions.asked.push(restrictMember(member, keyClass, freshKeys(asked)));
  }

  const spliced: BlockRestriction[] = [];
  const asked: BlockRestriction[] = [];
  const expected: ExpectedRestriction[] = [];
  for (const [block, restrictions] of [...byBlock]) {
    const { select, location } = block.block;
    const site = restrictionSite(statement.bareQuery(block.statement).tokens, location);
    // The others are none the worse for it.
    if (site === undefined) {
      byBlock.delete(block);
      continue;
    }
    spliced.push({ site, restrictions: restrictions.sent });
    asked.push({ site, restrictions: restrictions.asked });
    expected.push({ select, restrictions: restrictions.sent });
  }
  if (spliced.length === 0) return undefined;
  const guard = form.isGuarded ? guardFor(statement, columns) : undefined;
  if (form.isGuarded && guard === undefined) return undefined;
  const guarding = guard === undefined ? [] : [guard.insertion];
  const insertions = [...insertionsFor(spliced), ...guarding];
  const text = insert(statement.text, insertions);
  const restrictedForm = formOfColumns(statement, columns, form);
  if (statement.form?.isVerified(restrictedForm) !== true) {
    if (!isExactlyRestricted(statement.trees, text, expected, guard?.expected)) return undefined;
    statement.form?.noteVerified(restrictedForm);
  }
  const owners = new Set([...byBlock.keys()].map((block) => block.statement));
  const askedInsertions = [...insertionsFor(asked), ...guarding];
  const queries = [...owners].map((owner) => queryText(statement, owner, askedInsertions));
  const blocks = new Set(byBlock.keys());
  const restricted = columns.filter(({ block }) => byBlock.has(block));
  const names = restricted.map(({ member: { table, column } }) => `${table.alias}.${column}`);
  return {
    ...{ text, insertions, queries, blocks, columns: names },
    ...{ tables: [...needed], form: restrictedForm },
  };
}

/** The form that a rewritten text would have, without making it; see RewrittenText. */
export function restrictedFormOf(
  statement: CandidateStatement,
  classes: readonly ClassRestriction[],
  form: Form,
  catalog: Catalog,
): string {
  return formOfColumns(statement, columnsToRestrict(classes, form, catalog), form);
}

/** What guards constant keys, at the end of the statement's query; undefined if nothing is to be guarded, or there is no place. */
function guardFor(
  statement: CandidateStatement,
  columns: readonly RestrictedColumn[],
): { readonly insertion: Insertion; readonly expected: ExpectedOffset } | undefined {
  const [only] = statement.statements;
  const [first, ...others] = columns.flatMap(
    ({ known: keys, elementType, freshness }): readonly ConstantKeys[] =>
      freshness === undefined || keys === undefined ? [] : [{ keys, elementType, freshness }],
  );
  if (only === undefined || first === undefined) return undefined;
  const { tokens } = statement.bareQuery(only);
  const end = tokens.findIndex((token) => token.text === ';');
  const last = tokens.at(end === -1 ? -1 : end - 1);
  if (last === undefined) return undefined;
  const offset = guardSql([first, ...others]);
  return {
    insertion: { at: last.end, text: ` OFFSET ${offset}` },
    expected: { query: only.query, offset },
  };
}

/** The keys of a class as rows, a SELECT, for that column of it which is restricted if only one is. undefined if none can be. */
export function keysOfOneColumn(restriction: RestrictionByRows, catalog: Catalog): string | undefined {
  const [column] = columnsToRestrict([restriction], formOf('in_subquery', 'first'), catalog);
  return column === undefined ? undefined : rowsOf(column.freshKeys(column.keys('in_subquery').sent).source);
}

interface RestrictedColumn extends Omit<AnyRestriction, 'keys'> {
  readonly member: KeyMember;
  readonly elementType: ElementType;
  readonly method: Method | 'none';
  readonly keys: (method: Method) => Placed;
  /** Those that are at hand. */
  readonly known: KeySet | undefined;
  /** The same keys, and those that may have come since. */
  readonly freshKeys: (keys: PlacedKeys) => PlacedKeys;
}

function columnsToRestrict(
  classes: readonly AnyRestriction[],
  form: Form,
  catalog: Catalog,
): readonly RestrictedColumn[] {
  return classes.flatMap((restriction) => {
    const { keyClass, freshness, methods } = restriction;
    const chosen = methods.includes(form.method) ? form.method : methods[0];
    const method: RestrictedColumn['method'] = isEmptyForGood(restriction) ? 'none' : chosen;
    return membersToRestrict(restriction, form.spread).flatMap((member): RestrictedColumn[] => {
      const elementType = elementTypeOf(catalog.baseTypeOid(member.typeOid));
      if (elementType === undefined) return [];
      const keys = keysFor(restriction, elementType, member);
      if (keys === undefined) return [];
      const known = 'keys' in restriction ? restriction.keys : undefined;
      const column = { ...restriction, member, elementType, method, keys, known };
      const asTheyAre = (placed: PlacedKeys): PlacedKeys => placed;
      if (freshness === undefined) return [{ ...column, freshKeys: asTheyAre }];
      // NOT NULL can be dropped before the statement is run.
      const nullable = { ...member, isNotNull: false };
      if (form.isGuarded) return [{ ...column, member: nullable, freshKeys: asTheyAre }];
      const freshKeys = freshKeysOf(member, keyClass, elementType, freshness);
      return freshKeys === undefined ? [] : [{ ...column, member: nullable, freshKeys }];
    });
  });
}

function keysFor(
  restriction: AnyRestriction,
  elementType: ElementType,
  member: KeyMember,
): RestrictedColumn['keys'] | undefined {
  if ('keys' in restriction) return (method) => placeKeys(restriction.keys, elementType, method);
  const rows = restriction.rows(elementType, tableOfAllKeys(member, restriction.keyClass));
  return rows === undefined ? undefined : (method) => placeRows(rows, elementType, method);
}

function formOfColumns(
  statement: CandidateStatement,
  columns: readonly RestrictedColumn[],
  { isGuarded }: Form,
): string {
  const restricted = columns
    .map(({ block, member, method, freshness }) => {
      const place = statement.tokens.findIndex(({ start }) => start === block.block.location);
      return JSON.stringify([place, member.table.alias, member.column, method, freshness !== undefined]);
    })
    .join();
  return isGuarded ? `guarded,${restricted}` : restricted;
}

/** One statement's query of a text, with what is put into it. */
function queryText(
  statement: CandidateStatement,
  owner: Restrictable,
  insertions: readonly Insertion[],
): string {
  const bare = statement.bareQuery(owner);
  const [from, to] = [bare.ranges[0]?.[0] ?? 0, bare.ranges.at(-1)?.[1] ?? 0];
  const own = insertions.filter(({ at }) => at > from && at <= to);
  return insert(bareText(statement.text, bare), own);
}

/**
 * The forms that differ for the classes, best guess first: with one column each, there is one for each method. Of a class of many columns, not each is
 * tried alone.
 */
export function formsOf(classes: readonly AnyRestriction[], isGuarded = false): readonly [Form, ...Form[]] {
  const columns = Math.max(0, ...classes.map((each) => candidateMembers(each).length));
  const [first, ...further] = singleColumns.slice(0, columns);
  const spreads: readonly Spread[] =
    first === undefined || columns === 1 ? ['every'] : [first, 'every', ...further];
  const ofClasses = new Set(classes.flatMap((each) => (isEmptyForGood(each) ? [] : each.methods)));
  const methods: readonly Method[] = ofClasses.size === 0 ? ['inline'] : [...ofClasses];
  const [guess, ...others] = methods.flatMap((method) =>
    spreads.map((spread) => formOf(method, spread, isGuarded)),
  );
  return [guess ?? formOf('inline', 'every', isGuarded), ...others];
}

/** Those of the table that somebody named, if the class has one of that name. */
function candidateMembers({ keyClass: { members }, alias }: AnyRestriction): readonly KeyMember[] {
  const named = members.filter(({ table }) => table.alias === alias);
  return named.length > 0 ? named : members;
}

/**
 * If only one column is restricted, the first is that of the table the planner should begin with: the smallest, and of several
 * occurrences of one table the one with most conditions. A class with fewer columns than another has its last one restricted.
 */
function membersToRestrict(restriction: AnyRestriction, spread: Spread): readonly KeyMember[] {
  const members = candidateMembers(restriction);
  if (spread === 'every') return members;
  const { block } = restriction;
  const conditions = ({ table }: KeyMember): number =>
    block.conjuncts.filter(({ tables }) => tables.includes(table.index)).length;
  const rows = ({ table }: KeyMember): number => table.relation.rowCount;
  const place = Math.min(singleColumns.indexOf(spread), members.length - 1);
  return [...members]
    .sort((a, b) => rows(a) - rows(b) || conditions(b) - conditions(a))
    .slice(place, place + 1);
}

/** Nothing is known to be in the class, and nothing can come to be. */
function isEmptyForGood(restriction: AnyRestriction): boolean {
  return 'keys' in restriction && restriction.keys.size === 0 && restriction.freshness === undefined;
}

/** Undefined if the class has no table that all keys could be read from. */
function freshKeysOf(
  member: KeyMember,
  keyClass: KeyClass,
  elementType: ElementType,
  freshness: Freshness,
): RestrictedColumn['freshKeys'] | undefined {
  const all = tableOfAllKeys(member, keyClass);
  if (all === undefined) return undefined;
  return ({ source, placement }) => {
    const rows = freshKeys(rowsOf(source), elementType, freshness, all);
    return { source: { kind: 'query', rows }, placement };
  };
}

/** The smallest table whose keys are all that the member's rows in the block can have: equal ones, as the same type has them. */
function tableOfAllKeys(member: KeyMember, { members }: KeyClass): TableOfKeys | undefined {
  const collation = ({ table, column }: KeyMember): number | undefined =>
    table.relation.columns.get(column)?.collationOid;
  const [smallest] = members
    .filter(
      (each) =>
        each.table.name !== undefined &&
        each.typeOid === member.typeOid &&
        collation(each) === collation(member),
    )
    .sort((a, b) => a.table.relation.rowCount - b.table.relation.rowCount);
  const name = smallest?.table.name;
  if (smallest === undefined || name === undefined) return undefined;
  const written = [name.catalogname, name.schemaname, name.relname].filter((part) => part !== undefined);
  const only = smallest.table.only ? 'ONLY ' : '';
  return { table: only + written.map(quoteIdentifier).join('.'), column: smallest.column };
}
