import type { ControlPool } from '../postgres/control-pool';
import { pause } from '../postgres/deadline';
import { sqlFile } from '../postgres/sql-files';

const serverLoad = sqlFile('server-load');

/** A server is looked at so often, and in between for so long, before it is taken to be idle: statements may be short, and many. */
const looks = 5;
const betweenLooksMs = 10;

type ActivityRow = { readonly active: number; readonly hidden: number };

/** Sees whether the clients of a server leave it anything to do. */
export class ServerIdleness {
  #isTold = false;

  /** @param pool lent, not owned */
  constructor(
    private readonly pool: ControlPool,
    private readonly log: { info(fields: object, message: string): void },
  ) {}

  /**
   * Whether no client is running a statement, those of pcache not counted; false also if the role may not see what others do. Rejects as the
   * pool does.
   */
  async isIdle(signal: AbortSignal): Promise<boolean> {
    for (let look = 0; look < looks; look++) {
      if (look > 0) await pause(betweenLooksMs, signal);
      const [activity] = await this.pool.query<ActivityRow>(serverLoad, [], { signal });
      if (activity === undefined || activity.active > 0) return false;
      if (activity.hidden > 0) {
        this.#tellOnce(activity.hidden);
        return false;
      }
    }
    return true;
  }

  #tellOnce(hidden: number): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.log.info(
      { hidden },
      'the control role may not see what other connections do: population rests as if they were at work; grant it pg_read_all_stats',
    );
  }
}
