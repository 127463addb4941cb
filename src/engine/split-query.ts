import type { ControlPool } from '../postgres/control-pool';
import { sqlFile } from '../postgres/sql-files';
import type { Catalog } from '../query/catalog/catalog';
import type { Fragment } from '../query/fragment/fragment';
import type { PartitionKey } from '../query/partition-key';
import { CandidateStatement } from './candidate-statement';
import { fragmentsOf, readStatement } from './reading';
import type { SessionContext } from './session-context';
import { readSessionContext } from './session-settings';
import { statementsOf } from './statements-of-text';

const begin = sqlFile('begin-fragment-run');
const applySettings = sqlFile('apply-fragment-settings');
const sessionContext = sqlFile('session-context');
const end = sqlFile('end-fragment-run');

/** A statement nobody has run yet, and the key its fragments are wanted of. */
export interface WantedQuery {
  readonly query: string;
  readonly partitionKey: string;
  readonly datatype: string;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface QuerySplitting {
  readonly pool: ControlPool;
  readonly catalog: Catalog;
  readonly databaseIdentity: string;
  readonly partitionKeys: readonly PartitionKey[];
}

/**
 * The fragments of a statement as a session with these settings means it, or why it has none. Rejects if the database cannot be asked what
 * such a session is like.
 */
export async function splitQuery(
  { query, partitionKey, datatype, settings = {} }: WantedQuery,
  { pool, catalog, databaseIdentity, partitionKeys }: QuerySplitting,
): Promise<{ readonly fragments: readonly Fragment[] } | { readonly refused: string }> {
  const key = partitionKeys.find(({ name }) => name === partitionKey);
  if (key === undefined) return { refused: `there is no partition key ${partitionKey} in the configuration` };
  if (key.datatype !== datatype)
    return { refused: `the partition key ${partitionKey} is of datatype ${key.datatype}, not ${datatype}` };
  const content = statementsOf(query, catalog);
  if (content === undefined) return { refused: 'it cannot be parsed as SQL' };
  const statement = new CandidateStatement(query, false, undefined, () => content, content);
  const context = await readContextWith(settings, pool, databaseIdentity);
  const reading = readStatement(statement, context, catalog, [key], undefined, []);
  if ('refused' in reading.analysis) return { refused: reading.analysis.refused };
  const fragments = fragmentsOf(reading);
  if (fragments.length === 0) return { refused: `nothing in it restricts the partition key ${partitionKey}` };
  return { fragments };
}

/** What a session with these settings is like, for the rest as one of the pool. Rejects as the pool's queries do. */
export async function readContextWith(
  settings: Readonly<Record<string, string>>,
  pool: ControlPool,
  databaseIdentity: string,
): Promise<SessionContext> {
  const [row] = await pool.withClient(async (client) => {
    await client.query(begin);
    await client.query(applySettings, [Object.keys(settings), Object.values(settings)]);
    const rows = await client.query(sessionContext, [null]);
    await client.query(end);
    return rows;
  });
  if (row === undefined) throw new Error(`${sessionContext.name}.sql returned no row`);
  return readSessionContext(Object.values(row).map(asText), databaseIdentity).context;
}

/** As PostgreSQL writes it; the driver has made values of some. */
function asText(value: unknown): string | null {
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value : null;
}
