import { type Client, DatabaseError, type QueryArrayConfig } from 'pg';
import type { RunnableQuery } from './statement';
import type { Outcome } from './subject';

/** Values as the server wrote them: two that differ in any digit are different. */
const asText = { getTypeParser: () => (value: unknown) => value };

/** Runs a statement on a session and notes all a client sees of it. Rejects only if the connection is lost. */
export async function runDirectly(client: Client, query: RunnableQuery): Promise<Outcome> {
  const config: QueryArrayConfig = {
    text: query.text,
    rowMode: 'array',
    types: asText,
    ...(query.values === undefined ? {} : { values: [...query.values] }),
  };
  try {
    const { rows } = await client.query<unknown[]>(config);
    return { kind: 'rows', rows: rows.map((row) => JSON.stringify(row)) };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { kind: 'error', sqlState: error.code ?? '', message: error.message };
  }
}
