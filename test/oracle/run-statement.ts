import { type Client, DatabaseError, Query, type QueryArrayConfig, type QueryArrayResult } from 'pg';
import type { Place, RunnableStatement } from './statement-form';
import type { Outcome } from './subject';

/** Values as the server wrote them: two that differ in any digit are different. */
const asText = { getTypeParser: () => (value: unknown) => value };

/** Unique in a session. */
let names = 0;
const nameOf = new WeakMap<RunnableStatement, string>();

/**
 * Runs a statement and what belongs around it on a session, and notes all a client sees of it. Rejects only if the
 * connection is lost.
 *
 * @param main runs the statement itself, where that is not as simple as sending it
 */
export async function runStatement(
  client: Client,
  statement: RunnableStatement,
  place: Place,
  main: () => Promise<readonly string[]> = () => runText(client, statement),
): Promise<Outcome> {
  const isInTransaction = (statement.place ?? place) === 'in transaction';
  if (isInTransaction) await client.query('begin');
  let isCleanupNeeded = true;
  try {
    for (const text of statement.before) await client.query(text);
    let rows = await main();
    for (const text of statement.after) rows = rows.concat(await rowsOf(client, { text, rowMode: 'array' }));
    isCleanupNeeded = statement.form === 'create table as' || statement.form === 'cursor with hold';
    return { kind: 'rows', rows: statement.areRowsCompared ? rows : [] };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { kind: 'error', sqlState: error.code ?? '', message: error.message };
  } finally {
    if (isInTransaction) await client.query('rollback');
    if (isCleanupNeeded)
      for (const text of statement.cleanup) await client.query(text).catch(ignoreDatabaseError);
  }
}

/** There may be nothing to clean up. */
function ignoreDatabaseError(error: unknown): void {
  if (!(error instanceof DatabaseError)) throw error;
}

/** Sends the statement itself; resolves to its rows. */
export function runText(
  client: Client,
  statement: RunnableStatement,
  text = statement.text,
): Promise<readonly string[]> {
  if (statement.form === 'copy') return copyOut(client, text);
  const { values, isNamed, hasBinaryResults } = statement;
  // Rewritten texts are no statements of the client's own, and have no names.
  if (isNamed && text === statement.text && !nameOf.has(statement)) nameOf.set(statement, `named ${++names}`);
  const name = isNamed && text === statement.text ? nameOf.get(statement) : undefined;
  return rowsOf(client, {
    ...{ text, rowMode: 'array' },
    ...(values === undefined ? {} : { values: [...values], queryMode: 'extended' }),
    ...(name === undefined ? {} : { name }),
    ...(hasBinaryResults ? { binary: true } : {}),
  });
}

async function rowsOf(client: Client, config: QueryArrayConfig): Promise<readonly string[]> {
  const result: QueryArrayResult | QueryArrayResult[] = await client.query<unknown[]>({
    ...config,
    types: asText,
  });
  return [result].flat().flatMap(({ rows }) => rows.map((row) => JSON.stringify(row)));
}

/** Of COPY … TO STDOUT, which `pg` runs but keeps nothing of. */
class CopyOutQuery extends Query {
  readonly lines: string[] = [];

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    this.lines.push(chunk.toString());
  }
}

function copyOut(client: Client, text: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const query = new CopyOutQuery({ text }, undefined, (error?: Error | null) => {
      if (error === null || error === undefined) resolve(query.lines);
      else reject(error);
    });
    client.query(query);
  });
}
