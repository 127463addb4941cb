import type { Node, SelectStmt } from '@pgsql/types';
import { parseStatements } from '../ast/parser';
import type { Catalog } from '../catalog/catalog';
import { fragmentSql } from '../fragment/canonical-fragment';
import type { Fragment } from '../fragment/fragment';
import type { PartitionKeyType } from '../partition-key';
import { columnKind, type ColumnKind } from './column-kind';
import type { Dialect } from './dialect';
import { type ConditionScope, NotRenderedError, renderCondition } from './render-condition';

/** A column that a rendered fragment relies on: the copy has to hold it as its kind says. */
export interface ReliedOnColumn {
  readonly table: string;
  readonly column: string;
  readonly kind: ColumnKind;
}

export interface RenderedFragment {
  /** A SELECT DISTINCT of one column, the key as `Dialect.key` writes it. */
  readonly sql: string;
  readonly keyKind: ColumnKind;
  readonly columns: readonly ReliedOnColumn[];
}

export interface RenderingOptions {
  readonly dialect: Dialect;
  /** Of the PostgreSQL database that the fragment was learned in: what its text means depends on the types there. */
  readonly catalog: Catalog;
  /** Tables of this schema are in the copy, under their names. */
  readonly schema: string;
}

const keyKinds: Readonly<Record<PartitionKeyType, readonly ColumnKind[]>> = {
  integer: ['integer'],
  float: ['float'],
  text: ['text'],
  timestamp: ['date', 'timestamp'],
};

/** A fragment for a copy of the data in another database: the same keys; or why not, as part of a sentence. */
export function renderFragment(
  fragment: Fragment,
  options: RenderingOptions,
): RenderedFragment | { readonly refused: string } {
  try {
    return render(fragment, options);
  } catch (error) {
    if (error instanceof NotRenderedError) return { refused: error.message };
    throw error;
  }
}

function render(fragment: Fragment, { dialect, catalog, schema }: RenderingOptions): RenderedFragment {
  const { tables, conjuncts } = fragment;
  // What the parts say has to be what the text says: it is the text that is rendered.
  if (fragment.sql !== fragmentSql(tables, conjuncts))
    throw new NotRenderedError('a text that is not made of its parts');
  const columns = new Map<string, ReliedOnColumn>();
  const column: ConditionScope['column'] = (alias, name) => {
    const table = tables[Number(/^t([1-9]\d*)$/.exec(alias)?.[1] ?? 0) - 1];
    const relation = table === undefined ? undefined : catalog.relation(table, []);
    const found = relation?.columns.get(name);
    if (table === undefined || found === undefined)
      throw new NotRenderedError(`the column ${alias}.${name}, which is not known`);
    const kind = columnKind(catalog, found);
    if (kind === undefined) throw new NotRenderedError(`the type of ${table.name}.${name}`);
    columns.set(JSON.stringify([table.name, name]), { table: table.name, column: name, kind });
    return { column: found, text: `${alias}.${dialect.identifier(name)}`, kind };
  };
  const searchPath = searchPathOf(fragment);
  const where = conditionsOf(fragment).map((condition) =>
    renderCondition(condition, { dialect, catalog, searchPath, column }),
  );
  const from = tables.map(({ schema: of, name, only, definition }, slot) => {
    if (of !== schema) throw new NotRenderedError(`a table of the schema ${of}`);
    if (only) throw new NotRenderedError('ONLY');
    if (definition !== undefined) throw new NotRenderedError(`${name}, which is a view`);
    return `${dialect.identifier(name)} AS t${slot + 1}`;
  });
  const keys = tables.map(({ keyColumn }, slot) => column(`t${slot + 1}`, keyColumn));
  const [key] = keys;
  if (
    key === undefined ||
    keys.some(({ kind }) => kind !== key.kind || !keyKinds[fragment.datatype].includes(kind))
  )
    throw new NotRenderedError(
      `a key column whose type is not of datatype ${fragment.datatype}, or not that of the others`,
    );
  const condition = where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`;
  return {
    sql: `SELECT DISTINCT ${dialect.key(key.text, key.kind)} AS pcache_key FROM ${from.join(', ')}${condition}`,
    keyKind: key.kind,
    columns: [...columns.values()],
  };
}

/** What is joined by AND after WHERE; the equalities of the keys among it. */
function conditionsOf({ sql }: Fragment): readonly Node[] {
  const [statement] = parseStatements(sql);
  const select: SelectStmt | undefined =
    statement?.stmt !== undefined && 'SelectStmt' in statement.stmt ? statement.stmt.SelectStmt : undefined;
  if (select === undefined) throw new NotRenderedError('a text that is no SELECT');
  return select.whereClause === undefined ? [] : [select.whereClause];
}

/** As a session's context writes it (src/engine/session-settings.ts): names in double quotes. */
function searchPathOf({ settings }: Fragment): readonly string[] {
  const written = settings['search_path'];
  if (written === undefined) return ['pg_catalog'];
  const names = [...written.matchAll(/"((?:[^"]|"")*)"/g)].map(([, name = '']) => name.replaceAll('""', '"'));
  return names.includes('pg_catalog') ? names : ['pg_catalog', ...names];
}
