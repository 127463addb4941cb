import { messageOf } from '../../errors/message-of';
import type { Log } from '../log/log';

/** Something that must be in order before clients are sent here. */
export interface ReadinessCheck {
  readonly name: string;
  /** false: clients may be sent here all the same; the report says that the proxy is degraded. */
  readonly isVital?: boolean;
  /** Resolves to undefined if all is well, else to a sentence that says what is not. Gives up when the signal fires. */
  run(signal: AbortSignal): Promise<string | undefined>;
}

export interface ReadinessReport {
  readonly ready: boolean;
  /** It is ready, but works less well than it should. */
  readonly degraded: boolean;
  readonly reasons: readonly { readonly check: string; readonly reason: string }[];
}

export interface ReadinessOptions {
  readonly log: Log;
  /** A check that takes longer counts as failed. */
  readonly timeoutMs?: number;
}

/** Whether clients should be sent to this process: all checks are well and it is neither starting nor draining. */
export class Readiness {
  readonly #checks: ReadinessCheck[] = [];
  readonly #log: Log;
  readonly #timeoutMs: number;
  #phase: 'starting' | 'running' | 'draining' = 'starting';
  /** The run under way, shared by whoever asks meanwhile: many probes are no more work than one. */
  #running: Promise<ReadinessReport> | undefined;
  #last: ReadinessReport | undefined;

  constructor({ log, timeoutMs = 2000 }: ReadinessOptions) {
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  addCheck(check: ReadinessCheck): void {
    this.#checks.push(check);
  }

  /** The process accepts clients from here on. */
  markRunning(): void {
    // The signal to stop may come before the start is over.
    if (this.#phase === 'starting') this.#phase = 'running';
  }

  /** The process takes no new clients any more; there is no way back. */
  markDraining(): void {
    this.#phase = 'draining';
  }

  /** The last report, if checks were ever run. */
  get last(): ReadinessReport | undefined {
    return this.#last;
  }

  async report(): Promise<ReadinessReport> {
    if (this.#phase !== 'running') {
      const reason =
        this.#phase === 'starting' ? 'the proxy is still starting' : 'the proxy is shutting down';
      return { ready: false, degraded: false, reasons: [{ check: 'proxy', reason }] };
    }
    this.#running ??= this.#runChecks().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #runChecks(): Promise<ReadinessReport> {
    const results = await Promise.all(this.#checks.map((check) => this.#runCheck(check)));
    const failed = results.filter((result) => result !== undefined);
    const ready = !failed.some(({ isVital }) => isVital);
    const reasons = failed.map(({ check, reason }) => ({ check, reason }));
    const report = { ready, degraded: ready && reasons.length > 0, reasons };
    if (this.#last !== undefined) this.#logChange(this.#last, report);
    this.#last = report;
    return report;
  }

  #logChange(before: ReadinessReport, { ready, degraded, reasons }: ReadinessReport): void {
    if (before.ready === ready && before.degraded === degraded) return;
    if (!ready) this.#log.warn({ reasons }, 'not ready');
    else if (degraded) this.#log.warn({ reasons }, 'ready, but degraded');
    else this.#log.info({}, 'ready again');
  }

  async #runCheck(
    check: ReadinessCheck,
  ): Promise<{ check: string; reason: string; isVital: boolean } | undefined> {
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const late = new Promise<string>((resolve) => {
      deadline.addEventListener('abort', () => {
        resolve(`no answer within ${this.#timeoutMs} ms`);
      });
    });
    let reason: string | undefined;
    try {
      reason = await Promise.race([check.run(deadline), late]);
    } catch (error) {
      reason = messageOf(error);
    }
    return reason === undefined ? undefined : { check: check.name, reason, isVital: check.isVital ?? true };
  }
}
