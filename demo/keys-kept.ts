import type { Client } from 'pg';

/**
 * How many partition keys the statement that a session ran last was restricted to, undefined if to none. This is read
 * from the server, not from the proxy: pg_stat_activity shows the text that PostgreSQL was really given.
 */
export async function keysKept(observer: Client, backendPid: number): Promise<number | undefined> {
  const { rows } = await observer.query<{ query: string }>(
    'select query from pg_stat_activity where pid = $1',
    [backendPid],
  );
  return countKeys(rows[0]?.query ?? '');
}

/** The distinct elements of all arrays a text compares a column with; FALSE in place of a restriction keeps none. */
export function countKeys(text: string): number | undefined {
  const arrays = [...text.matchAll(/OPERATOR\(pg_catalog\.=\) ANY \(+'\{([^}]*)\}'/g)];
  if (arrays.length === 0) return undefined;
  return new Set(arrays.flatMap(([, elements = '']) => elements.split(',').filter((key) => key !== ''))).size;
}
