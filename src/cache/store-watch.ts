import { setTimeout as delay } from 'node:timers/promises';
import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import { messageOf } from '../errors/message-of';
import type { CacheEvents } from './cache-events';

/** Between probes: twice as long after each, up to a limit. */
export interface ProbePauses {
  readonly firstMs: number;
  readonly longestMs: number;
}

interface Absence {
  readonly since: number;
  readonly reason: string;
  /** Whether anybody was told. What is over before the first probe is not worth telling. */
  readonly isTold: boolean;
}

/**
 * Whether a store answers, and the search for one that does not. Transitions:
 *
 *   well -> away   something asked of it failed, or is overdue
 *   away -> away   so did a probe; the next one comes after twice the pause
 *   away -> well   a probe went well, or something asked before was answered after all
 *
 * The pauses start anew once something but a probe was answered: a store that answers probes and nothing else is tried ever more rarely.
 */
export class StoreWatch implements AsyncDisposable {
  private absence: Absence | undefined;
  private probes = 0;
  private searching: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  /** @param probe asks the store for something small; the store is away while it rejects */
  constructor(
    private readonly probe: () => Promise<void>,
    private readonly pauses: ProbePauses,
    private readonly events: Pick<CacheEvents, 'away' | 'back' | 'trouble'>,
  ) {}

  /** Why the store is taken for away; undefined if it is not. */
  get awayBecause(): string | undefined {
    return this.absence?.reason;
  }

  get isAway(): boolean {
    return this.absence !== undefined;
  }

  /** Something failed or is overdue. */
  lost(reason: string): void {
    if (this.absence !== undefined || this.stopping.signal.aborted) return;
    this.absence = { since: performance.now(), reason, isTold: false };
    this.searching ??= this.search();
  }

  /** Something but a probe was answered. */
  answered(): void {
    this.probes = 0;
    this.found();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    await this.searching;
  }

  private found(): void {
    const { absence } = this;
    this.absence = undefined;
    if (absence?.isTold === true) this.events.back(performance.now() - absence.since);
  }

  private sought(): Absence | undefined {
    return this.stopping.signal.aborted ? undefined : this.absence;
  }

  private async search(): Promise<void> {
    try {
      while (this.sought() !== undefined) {
        await this.pause();
        const absence = this.sought();
        if (absence !== undefined) await this.probeOnce(absence);
      }
    } finally {
      // At once: whoever finds the store away from here on starts another search.
      this.searching = undefined;
    }
  }

  private async probeOnce({ since, reason, isTold }: Absence): Promise<void> {
    if (!isTold) this.events.away(reason);
    this.absence = { since, reason, isTold: true };
    try {
      await this.probe();
      this.found();
    } catch (error) {
      // Without absence, something asked before was answered meanwhile.
      if (this.stopping.signal.aborted || !this.isAway) return;
      if (!(error instanceof CacheUnavailableError)) this.events.trouble('the cache cannot be used', error);
      this.absence = { since, reason: messageOf(error), isTold: true };
    }
  }

  private async pause(): Promise<void> {
    const { firstMs, longestMs } = this.pauses;
    const ms = Math.min(longestMs, firstMs * 2 ** this.probes++);
    try {
      await delay(ms, undefined, { signal: this.stopping.signal, ref: false });
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    }
  }
}
