import type { ControlPool } from '../postgres/control-pool';
import { pause } from '../postgres/deadline';
import { sqlFile } from '../postgres/sql-files';

const serverLoad = sqlFile('server-load');

/** A server is looked at so often, and in between for so long, before it is taken to be idle: statements may be short, and many. */
const looks = 5;
const betweenLooksMs = 10;

/**
 * Whether no client of a server is running a statement, those of pcache not counted; false also if the role may not see what others do. Rejects
 * as the pool does.
 */
export async function isServerIdle(pool: ControlPool, signal: AbortSignal): Promise<boolean> {
  for (let look = 0; look < looks; look++) {
    if (look > 0) await pause(betweenLooksMs, signal);
    const [load] = await pool.query<{ active: number; hidden: number }>(serverLoad, [], { signal });
    if (load === undefined || load.active > 0 || load.hidden > 0) return false;
  }
  return true;
}
