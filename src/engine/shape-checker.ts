import { quoteIdentifier } from '../query/ast/quote';
import type { Catalog } from '../query/catalog/catalog';
import type { ControlClient } from '../postgres/control-client';
import type { ControlPool } from '../postgres/control-pool';
import { sqlFile } from '../postgres/sql-files';
import type { SessionContext } from './session-context';

const applySettings = sqlFile('apply-fragment-settings');
const shapeOfPrepared = sqlFile('shape-of-prepared');

/** What the server makes of a statement. */
export type Shape =
  | { readonly isValid: true; readonly parameterOids: readonly number[] }
  | { readonly isValid: false; readonly reason: string };

/**
 * Asks the server, on a connection of our own, to analyse a statement without running it (rule S11): a rewritten text is
 * never seen for the first time by a client's session. Uses PREPARE under the client's settings.
 */
export class ShapeChecker {
  #counter = 0;

  constructor(private readonly pool: ControlPool) {}

  /** Rejects only if the server cannot be reached; what it says about the statement is the result. */
  async check(
    text: string,
    parameterOids: readonly number[],
    context: SessionContext,
    catalog: Catalog,
  ): Promise<Shape> {
    return this.pool.withClient(async (client) => {
      await client.execute('begin', 'begin read only');
      const settings = Object.entries(context.settings);
      await client.query(applySettings, [settings.map(([name]) => name), settings.map(([, value]) => value)]);
      try {
        return await this.#prepare(client, text, parameterOids, catalog);
      } catch (error) {
        if (!(error instanceof Error && error.name === 'ControlQueryError')) throw error;
        return { isValid: false, reason: error.message };
      } finally {
        await client.execute('rollback', 'rollback');
      }
    });
  }

  async #prepare(
    client: ControlClient,
    text: string,
    parameterOids: readonly number[],
    catalog: Catalog,
  ): Promise<Shape> {
    const name = `pcache_shape_${++this.#counter}`;
    const types = parameterOids.map((oid) => typeText(oid, catalog));
    const signature = types.length > 0 ? ` (${types.join(', ')})` : '';
    await client.execute('a shape check', `prepare ${quoteIdentifier(name)}${signature} as ${text}`);
    const [row] = await client.query(shapeOfPrepared, [name]);
    await client.execute('deallocate', `deallocate ${quoteIdentifier(name)}`);
    const list = row?.['parameter_oids'];
    const oids = (typeof list === 'string' ? list : '').split(' ').filter(Boolean).map(Number);
    return { isValid: true, parameterOids: oids };
  }
}

/** `unknown` leaves a parameter's type to be inferred, as 0 does in a Parse message. */
function typeText(oid: number, catalog: Catalog): string {
  const type = catalog.type(oid);
  return type === undefined ? 'unknown' : `${quoteIdentifier(type.schema)}.${quoteIdentifier(type.name)}`;
}
