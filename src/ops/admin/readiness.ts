import { messageOf } from '../../errors/message-of';
import type { Log } from '../log/log';

/** Something that must be in order before clients are sent here. */
export interface ReadinessCheck {
  readonly name: string;
  /** Resolves to undefined if all is well, else to a sentence that says what is not. Gives up when the signal fires. */
  run(signal: AbortSignal): Promise<string | undefined>;
}

export interface ReadinessReport {
  readonly ready: boolean;
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
  #wasReady: boolean | undefined;

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

  async report(): Promise<ReadinessReport> {
    if (this.#phase !== 'running') {
      const reason =
        this.#phase === 'starting' ? 'the proxy is still starting' : 'the proxy is shutting down';
      return { ready: false, reasons: [{ check: 'proxy', reason }] };
    }
    this.#running ??= this.#runChecks().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #runChecks(): Promise<ReadinessReport> {
    const results = await Promise.all(this.#checks.map((check) => this.#runCheck(check)));
    const reasons = results.filter((result) => result !== undefined);
    const report = { ready: reasons.length === 0, reasons };
    if (this.#wasReady !== undefined && this.#wasReady !== report.ready) {
      if (report.ready) this.#log.info({}, 'ready again');
      else this.#log.warn({ reasons }, 'not ready');
    }
    this.#wasReady = report.ready;
    return report;
  }

  async #runCheck(check: ReadinessCheck): Promise<{ check: string; reason: string } | undefined> {
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
    return reason === undefined ? undefined : { check: check.name, reason };
  }
}
