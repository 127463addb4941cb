import type { ControlPool } from '../postgres/control-pool';
import { pause } from '../postgres/deadline';
import { sqlFile } from '../postgres/sql-files';
import type { Pausable } from './pauses';

const serverLoad = sqlFile('server-load');

/** What of a server's work keeps population from adding to it. 0: no limit. */
export interface LoadLimits {
  /** Connections that are running statements, those of pcache not counted. */
  readonly maxActiveConnections: number;
  /** Of the standby that is furthest behind, in milliseconds. */
  readonly maxReplicationLagMs: number;
}

export interface LoadWatchOptions extends LoadLimits {
  /** Lent, not owned. */
  readonly pool: ControlPool;
  /** What is paused while the server is loaded. */
  readonly paused: Pausable;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
  /** Between looks, in milliseconds. */
  readonly checkMs?: number;
}

type LoadRow = { readonly active: number; readonly lag_ms: number | null };

/** Pauses population while the server has enough to do. A server that cannot be asked is left to population itself, which backs off. */
export class LoadWatch implements AsyncDisposable {
  readonly #stopping = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #isPausing = false;
  #isTold = false;

  constructor(private readonly options: LoadWatchOptions) {}

  /** Whether there is anything to watch. */
  static isNeeded({ maxActiveConnections, maxReplicationLagMs }: LoadLimits): boolean {
    return maxActiveConnections > 0 || maxReplicationLagMs > 0;
  }

  start(): void {
    this.#work = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { checkMs = 1_000 } = this.options;
    const { signal } = this.#stopping;
    for (;;) {
      await this.#look();
      await pause(checkMs, signal);
      if (signal.aborted) return;
    }
  }

  async #look(): Promise<void> {
    const { pool, log, paused, maxActiveConnections, maxReplicationLagMs } = this.options;
    const { signal } = this.#stopping;
    try {
      const [load] = await pool.query<LoadRow>(serverLoad, [], { signal });
      const lagMs = load?.lag_ms ?? 0;
      const active = load?.active ?? 0;
      const isLoaded =
        (maxActiveConnections > 0 && active > maxActiveConnections) ||
        (maxReplicationLagMs > 0 && lagMs > maxReplicationLagMs);
      if (isLoaded === this.#isPausing) return;
      this.#isPausing = isLoaded;
      if (isLoaded) paused.pause();
      else paused.resume();
      log.info({ active, lagMs }, isLoaded ? 'the server is loaded: population waits' : 'population goes on');
    } catch (error) {
      if (signal.aborted) return;
      if (!this.#isTold) log.warn({ err: error }, 'the load of the server could not be read');
      this.#isTold = true;
    }
  }
}
