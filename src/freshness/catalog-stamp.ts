import type { CatalogReading } from '../query/catalog/catalog';
import type { ControlClient } from '../postgres/control-client';
import type { ControlPool } from '../postgres/control-pool';
import { trackingProblem } from './tracking-problem';
import { trackingQuery } from './tracking-schema';

/** The row of sql/freshness/queries/stamp-catalog.sql. */
type StampRow = { readonly snapshot: string; readonly server: string; readonly epoch: string };

/** Why a reading of the catalog could not be looked after, as a sentence. */
export interface NoStamp {
  readonly problem: string;
}

/**
 * The version of the catalog, to be asked for before the transaction begins that reads it: whatever that does not see has another version, or
 * is still under way now, and then there is nothing to be had.
 *
 * @param schema where the change log is
 */
export async function catalogVersion(
  pool: ControlPool,
  schema: string,
): Promise<Pick<CatalogReading, 'version'> | NoStamp> {
  try {
    const [row] = await pool.query<{ version: string }>(trackingQuery('catalog-version', schema));
    const [ddl] = await pool.query<{ is_under_way: boolean }>(trackingQuery('ddl-under-way', schema));
    if (row === undefined || ddl?.is_under_way !== false)
      return { problem: 'a transaction that has changed the catalog is under way' };
    return { version: row.version };
  } catch (error) {
    const problem = trackingProblem(error, schema);
    if (problem === undefined) throw error;
    return { problem };
  }
}

/** Asks in the transaction that reads the catalog, which fails if there is no tracking. */
export async function stampCatalog(
  client: ControlClient,
  schema: string,
  { version }: Pick<CatalogReading, 'version'>,
): Promise<CatalogReading> {
  const [row] = await client.query<StampRow>(trackingQuery('stamp-catalog', schema));
  if (row === undefined) throw new Error('stamp-catalog.sql returned no row');
  return { snapshot: row.snapshot, server: row.server, epoch: row.epoch, version };
}

/** Whether the catalog may be another than the one that was read. Rejects as the pool's queries do. */
export async function hasCatalogChanged(
  pool: ControlPool,
  schema: string,
  { snapshot, server, version }: CatalogReading,
): Promise<boolean> {
  try {
    const [row] = await pool.query<{ has_changed: boolean }>(trackingQuery('catalog-changed', schema), [
      snapshot,
      server,
      version,
    ]);
    return row?.has_changed !== false;
  } catch (error) {
    // There is no tracking any more.
    if (trackingProblem(error, schema) !== undefined) return true;
    throw error;
  }
}
