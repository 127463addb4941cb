import type { Log } from '../../ops/log/log';
import type { RunningProxy } from '../compose';
import { startSuccessor } from './successor';

/** Has this program, started anew, take the place of a running proxy; if it does not start, the proxy goes on. */
export class Handover {
  /** Resolves when there is a successor that serves, and this proxy is to end. */
  readonly whenSucceeded: Promise<void>;
  #succeeded: () => void = () => undefined;
  #isUnderWay = false;

  /** @param shutdown no successor is wanted any more */
  constructor(
    private readonly proxy: Pick<RunningProxy, 'sockets' | 'release' | 'takeBack' | 'closeAdmin'>,
    private readonly shutdown: AbortSignal,
    private readonly log: Log,
  ) {
    this.whenSucceeded = new Promise((resolve) => (this.#succeeded = resolve));
  }

  /** Never rejects. Asked for again meanwhile, it does nothing. */
  async begin(): Promise<void> {
    if (this.#isUnderWay || this.shutdown.aborted) return;
    this.#isUnderWay = true;
    const { proxy, log } = this;
    log.info({}, 'SIGUSR2: starting a successor');
    try {
      await proxy.release();
      const successor = await startSuccessor(proxy.sockets, this.shutdown);
      await proxy.closeAdmin();
      log.info({ successor }, 'the successor accepts clients; this process ends when its own are done');
      this.#succeeded();
    } catch (error) {
      await this.#goOn();
      log.error({ err: error }, 'no successor could be started; this process goes on');
      this.#isUnderWay = false;
    }
  }

  async #goOn(): Promise<void> {
    if (this.shutdown.aborted) return;
    try {
      await this.proxy.takeBack();
    } catch (error) {
      this.log.error({ err: error }, 'statements go as they came from now on; start the proxy anew');
    }
  }
}
