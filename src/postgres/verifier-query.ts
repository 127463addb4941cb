import { ControlConnectionError } from '../errors/control-connection-error';
import { ControlQueryError } from '../errors/control-query-error';
import { type ControlPool } from './control-pool';
import { sqlFile } from './sql-files';

const defaultQuery = sqlFile('scram-verifier');
const pinSearchPath = sqlFile('pin-search-path');

/** How long the server may take to answer. */
const timeoutMs = 5_000;

/** untranslatable_character, character_not_in_repertoire: no role of this database can have such a name. */
const cannotBeAName = new Set(['22P05', '22021']);

/** Asks a database for the SCRAM verifiers of its roles, each time anew: a changed password holds at once. */
export class VerifierQuery {
  /**
   * @param pool lent; its size bounds the questions at once
   * @param query answers with the name of role $1 and its verifier, as PgBouncer's auth_query does; default: from pg_authid
   */
  constructor(
    private readonly pool: ControlPool,
    private readonly query?: string,
  ) {}

  /**
   * Resolves to undefined if the role has no verifier, or there is no such role. Rejects with ControlConnectionError or
   * ControlQueryError, and with the signal's reason.
   */
  async find(user: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.ask(user, signal);
    } catch (error) {
      // A connection that lay idle may be of no more use, without anybody having noticed.
      const isLost = error instanceof ControlConnectionError && error.reason === 'lost';
      if (!isLost) throw error;
      return this.ask(user, signal);
    }
  }

  private ask(user: string, signal: AbortSignal): Promise<string | undefined> {
    return this.pool.withClient(
      async (client) => {
        const options = { signal, timeoutMs };
        await client.query(pinSearchPath, [], options);
        try {
          const rows =
            this.query === undefined
              ? await client.query(defaultQuery, [user], options)
              : await client.execute('auth.query', this.query, [user], options);
          return readVerifier(rows);
        } catch (error) {
          if (error instanceof ControlQueryError && cannotBeAName.has(error.sqlState)) return undefined;
          throw error;
        }
      },
      { signal },
    );
  }
}

function readVerifier([row, another]: readonly object[]): string | undefined {
  if (row === undefined) return undefined;
  if (another !== undefined) throw new Error('auth.query returned more than one row for a role');
  const columns: unknown[] = Object.values(row);
  if (columns.length !== 2) {
    throw new Error(
      'auth.query has to return two columns of different names: the name of the role, and its verifier',
    );
  }
  const [, verifier] = columns;
  if (verifier === null) return undefined;
  if (typeof verifier !== 'string') throw new Error('the second column of auth.query has to be a text');
  return verifier;
}
