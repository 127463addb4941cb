import type { ChildProcess } from 'node:child_process';
import type { Log } from '../../ops/log/log';
import type { RunningProxy } from '../running-proxy';
import { startSuccessor } from './successor';

/** Has this program, started anew, take the place of a running proxy; if it does not start, the proxy goes on. */
export class Handover {
  /** Resolves when there is a successor that serves, and this proxy is to end. */
  readonly whenSucceeded: Promise<void>;
  #succeeded: () => void = () => undefined;
  #underWay: Promise<void> | undefined;
  #successor: ChildProcess | undefined;

  /** @param shutdown no successor is wanted any more */
  constructor(
    private readonly proxy: Pick<
      RunningProxy,
      'sockets' | 'settings' | 'handOver' | 'release' | 'takeBack' | 'closeAdmin' | 'config' | 'control'
    >,
    private readonly shutdown: AbortSignal,
    private readonly log: Log,
  ) {
    this.whenSucceeded = new Promise((resolve) => (this.#succeeded = resolve));
  }

  /** Resolves when what came of it is known; never rejects. Asked for again meanwhile, or when there is a successor, it does nothing. */
  async begin(): Promise<void> {
    if (this.#underWay !== undefined || this.#successor !== undefined) {
      this.log.info({}, 'SIGUSR2: there is a successor already, or one is being started');
      return;
    }
    this.log.info({}, 'SIGUSR2: starting a successor');
    this.#underWay = this.proxy.handOver(() => this.#takeTurn());
    await this.#underWay;
    this.#underWay = undefined;
  }

  /** As SIGHUP asks for: a successor may have read the files before they were changed, so that it is told. Never rejects. */
  async reload(): Promise<void> {
    await this.#underWay;
    if (this.#successor === undefined) await this.proxy.control.reload();
    else if (this.#successor.kill('SIGHUP')) this.log.info({}, 'SIGHUP: passed on to the successor');
  }

  /** Resolves when no successor is being started. */
  async idle(): Promise<void> {
    await this.#underWay;
  }

  /** Resolves to whether there is a successor now. */
  async #takeTurn(): Promise<boolean> {
    const { proxy, log, shutdown } = this;
    let successor: ChildProcess;
    try {
      await proxy.release();
      const { successorTimeoutMs: timeoutMs } = proxy.config.limits;
      successor = await startSuccessor(proxy.sockets, {
        timeoutMs,
        settings: proxy.settings,
        signal: shutdown,
      });
    } catch (error) {
      if (shutdown.aborted) {
        log.info({ err: error }, 'no successor is started: this process is being stopped');
        return false;
      }
      await this.#goOn();
      log.error({ err: error }, 'no successor could be started; this process goes on');
      return false;
    }
    this.#successor = successor;
    await proxy.closeAdmin();
    const fields = { successor: successor.pid };
    log.info(fields, 'the successor accepts clients; this process ends when its own are done');
    this.#succeeded();
    return true;
  }

  async #goOn(): Promise<void> {
    try {
      await this.proxy.takeBack();
    } catch (error) {
      this.log.error({ err: error }, 'statements go as they came from now on; start the proxy anew');
    }
  }
}
