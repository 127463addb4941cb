import { setTimeout as delay } from 'node:timers/promises';
import { ControlConnectionError } from '../../../errors/control-connection-error';
import { ControlQueryError } from '../../../errors/control-query-error';
import type { ControlPool, Listening } from '../../../postgres/control-pool';
import type { CacheWarning } from '../../cache-warning';

/** Between attempts to listen again. */
const firstPauseMs = 200;
const longestPauseMs = 10_000;

export interface ChangeListenerOptions {
  readonly pool: ControlPool;
  readonly channel: string;
  readonly notified: (payload: string) => void;
  /** Listening began again: changes made since it was lost were not told. */
  readonly missed: () => void;
  readonly warn: CacheWarning;
}

/** Listens on a channel until disposed of, and again after each loss of its connection. */
export class ChangeListener implements AsyncDisposable {
  private readonly stopping = new AbortController();
  private work: Promise<void> | undefined;

  private constructor(private readonly options: ChangeListenerOptions) {}

  /** Resolves once it listens; rejects with ControlConnectionError or ControlQueryError if it cannot. */
  static async start(options: ChangeListenerOptions): Promise<ChangeListener> {
    const listener = new ChangeListener(options);
    const listening = await options.pool.listen(options.channel, options.notified);
    listener.work = listener.keepListening(listening);
    return listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    await this.work;
  }

  private async keepListening(first: Listening): Promise<void> {
    const { signal } = this.stopping;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    for (let listening = first; ;) {
      await Promise.race([listening.lost, stopped]);
      await listening[Symbol.asyncDispose]();
      const next = await this.listenAgain();
      if (next === undefined) return;
      listening = next;
      this.options.missed();
    }
  }

  /** undefined when it is to stop. */
  private async listenAgain(): Promise<Listening | undefined> {
    for (
      let pauseMs = firstPauseMs;
      !this.stopping.signal.aborted;
      pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    ) {
      try {
        return await this.options.pool.listen(this.options.channel, this.options.notified);
      } catch (error) {
        if (!(error instanceof ControlConnectionError || error instanceof ControlQueryError)) throw error;
        this.options.warn('changes of the cache by others are not heard of for now', error);
        await this.pause(pauseMs);
      }
    }
    return undefined;
  }

  private async pause(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.stopping.signal });
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    }
  }
}
