import type { Directory } from '../cache/directory';
import { quoteIdentifier } from '../query/ast/quote';
import type { Catalog } from '../query/catalog/catalog';
import type { PartitionKey } from '../query/partition-key';
import { CandidateStatement } from './candidate-statement';
import { fragmentsOf, matchReading, readStatement } from './reading';
import type { SessionContext } from './session-context';
import { statementsOf } from './statements-of-text';
import { turnBudget } from './turn-budget';

/** Numbers of tables, ever more: each statement finds the engine a little warmer, so that none takes long. */
const sizes = [1, 2, 3, 4, 4, 6, 8, 8, 12, 16, 24, 32, 48, 64];
/** A longer text is not looked into. */
const maxTablesNested = 24;
/** Fragments are put together for statements that are slow, and these hardly ever have more tables. */
const maxTablesLearned = 6;

/**
 * Looks into some statements before a client's come: code that is run for the first time takes ten times as long. Resolves when
 * it is done, or the catalog is not the current one any more; nothing that is counted or remembered comes of it.
 */
export async function warmUp(
  partitionKeys: readonly PartitionKey[],
  directory: Directory,
  currentCatalog: () => Catalog | undefined,
): Promise<void> {
  const catalog = currentCatalog();
  if (catalog === undefined) return;
  for (const { text, size } of warmUpTexts(partitionKeys, catalog)) {
    await new Promise((resolve) => setImmediate(resolve));
    await turnBudget.turn();
    if (currentCatalog() !== catalog) return;
    turnBudget.spend(() => {
      const content = statementsOf(text, catalog);
      if (content === undefined) return;
      const statement = new CandidateStatement(text, true, undefined, () => content);
      const reading = readStatement(statement, context, catalog, partitionKeys, undefined, []);
      matchReading(reading, directory);
      if (size <= maxTablesLearned) fragmentsOf(reading);
    });
  }
}

/** Statements over a table of a key, and how many times they have it at least; none if the catalog has no such table. */
export function warmUpTexts(
  partitionKeys: readonly PartitionKey[],
  catalog: Catalog,
): readonly { readonly text: string; readonly size: number }[] {
  const table = firstTable(partitionKeys, catalog);
  if (table === undefined) return [];
  return sizes.flatMap((size) =>
    (size > maxTablesNested ? [joined] : [joined, nested]).map((write) => ({
      text: write(table, size),
      size,
    })),
  );
}

interface KeyTable {
  /** Both as SQL. */
  readonly table: string;
  readonly column: string;
}

function firstTable(partitionKeys: readonly PartitionKey[], catalog: Catalog): KeyTable | undefined {
  for (const { tables } of partitionKeys) {
    for (const [table, column] of tables) {
      const dot = table.indexOf('.');
      const [schema, name] = [table.slice(0, dot), table.slice(dot + 1)];
      if (catalog.relation({ schema, name }, [])?.columns.has(column) !== true) continue;
      return {
        table: `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`,
        column: quoteIdentifier(column),
      };
    }
  }
  return undefined;
}

function joined({ table, column }: KeyTable, size: number): string {
  const joins = Array.from(
    { length: size },
    (_, i) =>
      `JOIN ${table} t${i + 1} ON t${i}.${column} = t${i + 1}.${column} AND t${i}.${column} <> t${i + 1}.${column}`,
  );
  return `SELECT t0.${column}, count(*) FROM ${table} t0 ${joins.join(' ')} WHERE t0.${column} IS NOT NULL GROUP BY 1 LIMIT 10`;
}

function nested({ table, column }: KeyTable, size: number): string {
  const tables = Array.from({ length: size }, (_, i) => `${table} AS t${i}`);
  const conditions = Array.from(
    { length: size },
    (_, i) =>
      `t${i}.${column} = t0.${column} AND (t${i}.${column} IS NULL OR NOT t${i}.${column} < t0.${column}) AND t${i}.${column} IN (NULL, NULL)`,
  );
  return `WITH x AS (SELECT ${column} FROM ${table}) SELECT t0.* FROM ${tables.join(', ')}, x WHERE ${conditions.join(' AND ')} AND x.${column} = t0.${column} AND EXISTS (SELECT FROM ${table} u WHERE u.${column} = t0.${column}) ORDER BY 1`;
}

/** No session's. */
const context: SessionContext = {
  id: '',
  searchPath: ['pg_catalog'],
  temporaryRelations: new Set(),
  userName: '',
  clientEncoding: 'UTF8',
  settings: { standard_conforming_strings: 'on' },
  mode: undefined,
};
