import { CatalogKeeper } from '../engine/catalog-keeper';
import { StartError } from '../errors/start-error';
import type { DatabaseConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import { readDatabaseIdentity } from '../postgres/catalog/read-database-identity';
import type { ControlPool } from '../postgres/control-pool';
import type { ServerTls } from '../postgres/server-tls';
import type { Catalog } from '../query/catalog/catalog';
import { controlPool } from './control-pool';
import type { Owned } from './owned';

/** A database that a command looks into. */
export interface OpenCatalog {
  readonly pool: ControlPool;
  readonly keeper: CatalogKeeper;
  readonly catalog: Catalog;
}

const connections = 2;

/** Reads the catalog of a database, as a proxy would. Rejects if that cannot be. What is opened is given to `owned`. */
export async function openCatalog(
  database: DatabaseConfig,
  config: PcacheConfig,
  tls: ServerTls | undefined,
  log: Log,
  owned: Owned,
): Promise<OpenCatalog> {
  const pool = owned.add(controlPool(database, tls, { maxConnections: connections }, log));
  // A keeper tries again and again; who waits for a command wants to know what is wrong.
  await readDatabaseIdentity(pool);
  const partitionKeys = [...database.partitionKeys.values()];
  const isTracked = partitionKeys.some(({ changeLog }) => changeLog !== undefined);
  const keeper = new CatalogKeeper(pool, partitionKeys, log, isTracked ? config.freshness : undefined);
  owned.add({
    [Symbol.asyncDispose]: async () => {
      keeper.stop();
    },
  });
  keeper.refresh();
  await keeper.settled();
  const catalog = keeper.current;
  if (catalog === undefined) throw new StartError(`${pool.target}: the catalog could not be read; see above`);
  return { pool, keeper, catalog };
}
