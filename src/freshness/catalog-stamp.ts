import type { CatalogReading } from '../query/catalog/catalog';
import type { ControlClient } from '../postgres/control-client';
import type { ControlPool } from '../postgres/control-pool';
import { trackingProblem } from './tracking-problem';
import { trackingQuery } from './tracking-schema';

/** The row of sql/freshness/queries/stamp-catalog.sql. */
type StampRow = { readonly snapshot: string; readonly server: string; readonly epoch: string };

/**
 * Asks in the transaction that reads the catalog, which is none the worse for it. Resolves to what is in the way if changes are not tracked.
 *
 * @param schema where the change log is
 */
export async function stampCatalog(
  client: ControlClient,
  schema: string,
): Promise<CatalogReading | { readonly problem: string }> {
  await client.execute('savepoint', 'savepoint before_stamp');
  try {
    const [row] = await client.query<StampRow>(trackingQuery('stamp-catalog', schema));
    if (row === undefined) throw new Error('stamp-catalog.sql returned no row');
    return { snapshot: row.snapshot, server: row.server, epoch: row.epoch };
  } catch (error) {
    const problem = trackingProblem(error, schema);
    if (problem === undefined) throw error;
    await client.execute('rollback', 'rollback to savepoint before_stamp');
    return { problem };
  }
}

/** Whether the catalog may be another than the one that was read. Rejects as the pool's queries do. */
export async function hasCatalogChanged(
  pool: ControlPool,
  schema: string,
  { snapshot, server }: CatalogReading,
): Promise<boolean> {
  try {
    const [row] = await pool.query<{ has_changed: boolean }>(trackingQuery('catalog-changed', schema), [
      snapshot,
      server,
    ]);
    return row?.has_changed !== false;
  } catch (error) {
    // There is no tracking any more.
    if (trackingProblem(error, schema) !== undefined) return true;
    throw error;
  }
}

/** Whether there is something to ask by now. */
export async function isTrackingSetUp(pool: ControlPool, schema: string): Promise<boolean> {
  try {
    await pool.query(trackingQuery('stamp-catalog', schema));
    return true;
  } catch (error) {
    if (trackingProblem(error, schema) === undefined) throw error;
    return false;
  }
}
