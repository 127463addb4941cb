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
  | {
      readonly isValid: true;
      readonly parameterOids: readonly number[];
      /** What it expects the statement to cost, in its planner's units; absent if it was not asked, or could not say. */
      readonly cost?: number | undefined;
    }
  | { readonly isValid: false; readonly reason: string };

/** With parameters of any values. */
const anyValues = ['plan_cache_mode', 'force_generic_plan'] as const;

/**
 * Asks the server, on a connection of our own, to analyse a statement without running it (rule S11): a rewritten text is
 * never seen for the first time by a client's session. Uses PREPARE under the client's settings.
 */
export class ShapeChecker {
  #counter = 0;

  constructor(private readonly pool: ControlPool) {}

  /**
   * Rejects only if the server cannot be reached; what it says about the statement is the result.
   *
   * @param wantsCost whether it is asked what it expects the statement to cost as well, for which it plans it
   */
  async check(
    text: string,
    parameterOids: readonly number[],
    context: SessionContext,
    catalog: Catalog,
    wantsCost = false,
  ): Promise<Shape> {
    const statement = `pcache_shape_${++this.#counter}`;
    const name = quoteIdentifier(statement);
    return this.pool.withClient(async (client) => {
      let isPrepared = false;
      await client.execute('begin', 'begin read only');
      const settings = [...Object.entries(context.settings), ...(wantsCost ? [anyValues] : [])];
      await client.query(applySettings, [settings.map(([key]) => key), settings.map(([, value]) => value)]);
      try {
        const types = parameterOids.map((oid) => typeText(oid, catalog));
        const signature = types.length > 0 ? ` (${types.join(', ')})` : '';
        await client.execute('a shape check', `prepare ${name}${signature} as ${text}`);
        isPrepared = true;
        const oids = await parametersOf(client, statement);
        const cost = wantsCost ? await costOf(client, name, oids.length) : undefined;
        return { isValid: true, parameterOids: oids, cost };
      } catch (error) {
        return { isValid: false, reason: refusal(error) };
      } finally {
        await client.execute('rollback', 'rollback');
        if (isPrepared) await client.execute('deallocate', `deallocate ${name}`);
      }
    });
  }
}

async function parametersOf(client: ControlClient, name: string): Promise<readonly number[]> {
  const [row] = await client.query(shapeOfPrepared, [name]);
  const list = row?.['parameter_oids'];
  return (typeof list === 'string' ? list : '').split(' ').filter(Boolean).map(Number);
}

/** Undefined if it does not say. The transaction is of no use any more. */
async function costOf(client: ControlClient, name: string, parameters: number): Promise<number | undefined> {
  const values = parameters === 0 ? '' : ` (${Array<string>(parameters).fill('null').join(', ')})`;
  try {
    const [row] = await client.execute('a cost', `explain (format json) execute ${name}${values}`);
    const [plan] = row?.['QUERY PLAN'] as readonly { readonly Plan?: { readonly 'Total Cost'?: number } }[];
    return plan?.Plan?.['Total Cost'];
  } catch (error) {
    // As where the control role may not write to the table of an INSERT.
    refusal(error);
    return undefined;
  }
}

/** What the server said; rejects with anything else. */
function refusal(error: unknown): string {
  if (!(error instanceof Error && error.name === 'ControlQueryError')) throw error;
  return error.message;
}

/** `unknown` leaves a parameter's type to be inferred, as 0 does in a Parse message. */
function typeText(oid: number, catalog: Catalog): string {
  const type = catalog.type(oid);
  return type === undefined ? 'unknown' : `${quoteIdentifier(type.schema)}.${quoteIdentifier(type.name)}`;
}
