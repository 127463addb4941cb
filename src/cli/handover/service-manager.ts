import { execFile } from 'node:child_process';
import type { Log } from '../../ops/log/log';

/** A watchdog is told this often in its time. */
const tellsInTime = 2;

/**
 * The service manager, if there is one that wants to be told: sd_notify(3). Node.js has no sockets of its kind, so that systemd's own
 * program talks to it; the unit needs `NotifyAccess=all`. Dispose of it to tell no more.
 */
export class ServiceManager implements Disposable {
  readonly #isThere: boolean;
  readonly #watchdogMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isLost = false;

  constructor(
    env: NodeJS.ProcessEnv,
    private readonly log: Log,
  ) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID = String(process.pid) } = env;
    this.#isThere = (NOTIFY_SOCKET ?? '') !== '';
    this.#watchdogMs = WATCHDOG_PID === String(process.pid) ? Number(WATCHDOG_USEC ?? 0) / 1000 : 0;
  }

  /** The process serves. As long as its event loop turns, the watchdog hears of it. */
  ready(): void {
    this.#tell('READY=1', `MAINPID=${process.pid}`);
    if (!this.#isThere || !(this.#watchdogMs > 0)) return;
    this.#timer = setInterval(() => {
      this.#tell('WATCHDOG=1');
    }, this.#watchdogMs / tellsInTime).unref();
  }

  stopping(): void {
    this.#tell('STOPPING=1');
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tell(...fields: readonly string[]): void {
    if (!this.#isThere || this.#isLost) return;
    execFile('systemd-notify', fields, (error) => {
      if (error === null) return;
      this.#isLost = true;
      this.log.warn(
        { err: error },
        'the service manager cannot be told; it may take the proxy for one that does not start',
      );
    });
  }
}
