/**
 * Always true, stable, and parallel restricted: keeps the server from planning parallel workers for the scan of all keys. They would be started
 * before it is known whether it is to be run at all, which takes as long as many a restricted statement.
 */
export const inLeader = 'pg_catalog.pg_my_temp_schema() IS NOT NULL';
