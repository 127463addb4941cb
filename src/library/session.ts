import { types } from 'pg';
import type { DatabaseEngine } from '../engine/database-engine';
import type { SessionContext } from '../engine/session-context';
import type { ControlPool } from '../postgres/control-pool';
import { sqlFile } from '../postgres/sql-files';

const sessionContext = sqlFile('session-context');

/** What has `pg` leave texts as the server wrote them, whatever parsers the program has set; what is in binary is read as ever. */
export interface RawTypes {
  getTypeParser(oid: number, format?: string): (value: string) => unknown;
}

export const rawTypes: RawTypes = {
  getTypeParser: (oid, format) =>
    format === 'binary'
      ? (types.getTypeParser as RawTypes['getTypeParser'])(oid, 'binary')
      : (value) => value,
};

/**
 * The connection a query is going to be run on, such as a client of the package `pg`: asked what search_path, settings and temporary
 * tables it has, which decide what the query means. Nothing is changed in it.
 */
export interface Session {
  query(query: {
    readonly text: string;
    readonly values: unknown[];
    readonly rowMode: 'array';
    readonly types: RawTypes;
  }): Promise<{ readonly rows: readonly unknown[] }>;
}

/** What a query means in a session; without one, in a new connection of the same role, which has set nothing. */
export async function contextOf(
  session: Session | undefined,
  engine: DatabaseEngine,
  pool: ControlPool,
): Promise<SessionContext> {
  const row =
    session === undefined
      ? Object.values((await pool.query(sessionContext, [null]))[0] ?? {})
      : await firstRow(session, engine.contextQuery);
  return engine.readContext(row.map(asText)).context;
}

async function firstRow(session: Session, text: string): Promise<readonly unknown[]> {
  const { rows } = await session.query({ text, values: [null], rowMode: 'array', types: rawTypes });
  const [row] = rows;
  if (!Array.isArray(row)) throw new TypeError('a session returns rows as arrays where rowMode says so');
  return row as readonly unknown[];
}

/** As PostgreSQL writes it; the driver has made values of some. */
function asText(value: unknown): string | null {
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? value : null;
}
