import type { Log } from '../../ops/log/log';
import type { FinishedRun } from '../../population/population-events';
import { pause, waitUntil } from '../../postgres/deadline';
import type { RunningObserver } from './compose-observer';

/** Tells now and then how an observer gets on: in one line of a terminal that is written over, or in lines of the log. */
export class Progress {
  #done = 0;
  #failed = 0;
  #keys = 0;

  constructor(
    private readonly log: Log,
    private readonly terminal: NodeJS.WriteStream,
  ) {}

  count({ status, keyCount }: FinishedRun): void {
    if (status === 'ok') this.#done += 1;
    else if (status !== 'aborted') this.#failed += 1;
    this.#keys += keyCount;
  }

  /** Until it is aborted; never rejects. */
  async tell(observer: RunningObserver, intervalMs: number, signal: AbortSignal): Promise<void> {
    let before = this.#done;
    const goesOn = async (): Promise<boolean> => {
      await pause(intervalMs, signal);
      return !signal.aborted;
    };
    while (await goesOn()) {
      const perSecond = Number((((this.#done - before) * 1_000) / intervalMs).toFixed(1));
      before = this.#done;
      try {
        const deadline = { timeoutMs: intervalMs, signal };
        const lengths = await waitUntil(observer.lengths(), deadline, () =>
          Promise.reject(new Error('it takes too long')),
        );
        this.#write({ ...lengths, perSecond });
      } catch (error) {
        if (signal.aborted) break;
        this.log.warn({ err: error }, 'the queue does not say how much there is to do');
      }
    }
    if (this.terminal.isTTY) this.terminal.write('\n');
  }

  #write({
    queries,
    fragments,
    perSecond,
  }: Awaited<ReturnType<RunningObserver['lengths']>> & { perSecond: number }): void {
    const [done, failed, keys] = [this.#done, this.#failed, this.#keys];
    if (!this.terminal.isTTY) {
      this.log.info({ queries, fragments, done, failed, keys, perSecond }, 'status');
      return;
    }
    const line =
      `statements ${queries.waiting} | fragments: ${fragments.waiting} wait, ${fragments.running} run, ` +
      `${done} done, ${failed} failed, ${fragments.dead} dead | ${perSecond}/s`;
    this.terminal.write(`\r\u001b[K${line}`);
  }
}
