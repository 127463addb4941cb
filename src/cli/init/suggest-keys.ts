import type { SharedColumn } from '../../postgres/catalog/find-key-columns';
import type { PartitionKeyType } from '../../query/partition-key';

/** A partition key that a database may have, the tables of it and what speaks for it. */
export interface SuggestedKey {
  readonly name: string;
  readonly datatype: PartitionKeyType;
  readonly columns: readonly SharedColumn[];
  /** Sentences. */
  readonly why: readonly string[];
  /** Greater is better; only to be compared. */
  readonly score: number;
}

/** Fewer values than that leave little to skip. */
const fewestKeys = 8;
/** Fewer rows for each value than that, in the largest table: it is more of an id than of a key that much is kept under. */
const fewestRowsPerKey = 3;

/**
 * The partition keys that the columns of a database suggest, best first: columns of one name and datatype in several tables, or that a
 * table is partitioned by, with values that many rows share. Pure.
 *
 * @param statements texts of what is run most, as far as is known
 */
export function suggestKeys(
  columns: readonly SharedColumn[],
  statements: readonly string[],
): readonly SuggestedKey[] {
  const groups = new Map<string, SharedColumn[]>();
  for (const column of columns) {
    if (column.datatype === undefined || !column.isReadable) continue;
    const name = `${column.column} ${column.datatype}`;
    groups.set(name, [...(groups.get(name) ?? []), column]);
  }
  return [...groups.values()]
    .flatMap((group) => suggestionOf(group, statements) ?? [])
    .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
}

function suggestionOf(
  columns: readonly SharedColumn[],
  statements: readonly string[],
): SuggestedKey | undefined {
  const [first] = columns;
  if (first?.datatype === undefined) return undefined;
  const partitioned = columns.filter(({ isPartitionedBy }) => isPartitionedBy);
  const foreign = columns.filter(({ hasForeignKey }) => hasForeignKey);
  if (columns.length < 2 && partitioned.length === 0) return undefined;
  const largest = columns.reduce((a, b) => (b.rows > a.rows ? b : a));
  const known = columns.flatMap(({ distinctKeys }) => distinctKeys ?? []);
  const keys = known.length === 0 ? undefined : Math.max(...known);
  // `id` is in every table and means something else in each.
  const isId = columns.every(({ isUnique }) => isUnique);
  const rowsPerKey = keys === undefined || keys === 0 ? undefined : largest.rows / keys;
  const isPoor =
    isId ||
    (keys !== undefined && keys < fewestKeys) ||
    (rowsPerKey !== undefined && rowsPerKey < fewestRowsPerKey);
  if (isPoor && partitioned.length === 0) return undefined;
  const used = statements.filter((text) => mentions(text, first.column)).length;
  const why = [
    `${columns.length === 1 ? 'one table has' : `${columns.length} tables have`} a column ${first.column} of type ${[...new Set(columns.map(({ typeName }) => typeName))].join(' or ')}`,
    ...partitioned.map(({ schema, table }) => `${schema}.${table} is partitioned by it`),
    ...(foreign.length === 0 ? [] : [`${foreign.length} of them with a foreign key on it`]),
    keys === undefined
      ? 'how many values it has is not known: analyze the tables'
      : `about ${Math.round(keys)} values, some ${Math.round(rowsPerKey ?? 0)} rows of ${largest.schema}.${largest.table} each`,
    ...(used === 0 ? [] : [`${used} of the ${statements.length} statements that take most time name it`]),
  ];
  const score =
    columns.length +
    4 * partitioned.length +
    foreign.length +
    (statements.length === 0 ? 0 : (8 * used) / statements.length);
  return { name: first.column, datatype: first.datatype, columns, why, score };
}

function mentions(text: string, column: string): boolean {
  const escaped = column.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'iu').test(text);
}
