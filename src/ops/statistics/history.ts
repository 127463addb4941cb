import { messageOf } from '../../errors/message-of';
import type { Log } from '../log/log';

/** Running totals and states at one moment. */
export interface HistoryValues {
  /** Statements that were restricted, of those that could be had they been known, and of all. */
  readonly hits: number;
  readonly wanted: number;
  readonly statements: number;
  /** In milliseconds, as of TimeSaved. */
  readonly savedMs: number;
  readonly lostMs: number;
  /** Absent where it is not known: nothing is tracked, or it was not looked up in time. */
  readonly changedKeys: number | undefined;
  readonly staleShare: number | undefined;
}

export interface HistorySample extends HistoryValues {
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** How far back it goes: in fine steps, or in coarse ones. */
export const historyRanges = { '1h': 3_600_000, '24h': 86_400_000 } as const;
export type HistoryRange = keyof typeof historyRanges;

const stepMs = 5_000;
const coarseSteps = 60;
/** Counting changes in a log takes the server some milliseconds, and nobody needs them every five seconds. */
const thoroughSteps = 6;

export interface HistoryOptions {
  /** @param before the last values, where what takes a look into databases may be as it was then; undefined: everything is wanted */
  readonly read: (before: HistoryValues | undefined) => Promise<HistoryValues>;
  readonly log: Log;
  readonly stepMs?: number;
}

/** What the page's charts are drawn from: an hour in steps of five seconds, a day in steps of five minutes, and no more, whatever happens. */
export class History implements Disposable {
  readonly #options: HistoryOptions;
  readonly #fine: HistorySample[] = [];
  readonly #coarse: HistorySample[] = [];
  #steps = 0;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  start(): this {
    void this.step();
    this.#timer = setInterval(() => void this.step(), this.#options.stepMs ?? stepMs).unref();
    return this;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Oldest first. */
  samples(range: HistoryRange): readonly HistorySample[] {
    if (range === '1h') return this.#fine;
    const newest = this.#fine.at(-1);
    return newest === undefined || newest === this.#coarse.at(-1) ? this.#coarse : [...this.#coarse, newest];
  }

  /** Takes a sample, unless the one before is not done yet. Never rejects. */
  async step(atMs = Date.now()): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const before = this.#steps % thoroughSteps === 0 ? undefined : this.#fine.at(-1);
      const sample = { ...(await this.#options.read(before)), atMs };
      keep(this.#fine, sample, historyRanges['1h']);
      if (this.#steps++ % coarseSteps === 0) keep(this.#coarse, sample, historyRanges['24h']);
    } catch (error) {
      this.#options.log.debug({ reason: messageOf(error) }, 'no sample was taken for the charts');
    } finally {
      this.#isReading = false;
    }
  }
}

function keep(samples: HistorySample[], sample: HistorySample, rangeMs: number): void {
  samples.push(sample);
  // Also if the clock was set back.
  const most = Math.ceil(rangeMs / stepMs) + 1;
  while (samples.length > most || (samples[0] !== undefined && samples[0].atMs < sample.atMs - rangeMs))
    samples.shift();
}
