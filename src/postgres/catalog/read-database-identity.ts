import type { ControlPool } from '../control-pool';
import { sqlFile } from '../sql-files';

const databaseIdentity = sqlFile('database-identity');

/**
 * What tells a database from every other: the cluster's system identifier and the database's OID. Where the role may not ask
 * for them, the address it was reached at.
 */
export async function readDatabaseIdentity(pool: ControlPool): Promise<string> {
  try {
    const [row] = await pool.query(databaseIdentity);
    return `${String(row?.['system_identifier'])}/${String(row?.['database_oid'])}`;
  } catch (error) {
    if (error instanceof Error && 'sqlState' in error && error.sqlState === '42501') return pool.target;
    throw error;
  }
}
