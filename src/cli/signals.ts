import type { Log } from '../ops/log/log';
import { ExitCode } from './exit-code';

/** What the operating system says to a running proxy. Dispose of it to give the signals back. */
export interface Signals extends Disposable {
  /** Fires at the first SIGTERM or SIGINT; a second one ends the process at once. */
  readonly shutdown: AbortSignal;
  /** Sets what SIGHUP does; if it came before that, it does it at once: what has been read by then may have changed. */
  onHangUp(listener: () => void): void;
  /** Sets what SIGUSR2 does; until then it does nothing. */
  onSucceed(listener: () => void): void;
}

export function listenToSignals(log: Log): Signals {
  const shutdown = new AbortController();
  let hasHungUp = false;
  let hangUp = (): void => {
    hasHungUp = true;
  };
  let succeed: () => void = () => undefined;

  const stop = (signal: NodeJS.Signals): void => {
    if (shutdown.signal.aborted) {
      log.warn({ signal }, 'second signal: ending at once');
      process.exit(ExitCode.Failed);
    }
    log.info({ signal }, 'shutting down; a second signal ends the process at once');
    shutdown.abort();
  };
  const refresh = (): void => {
    hangUp();
  };
  const handOver = (): void => {
    succeed();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', refresh);
  process.on('SIGUSR2', handOver);

  return {
    shutdown: shutdown.signal,
    onHangUp: (listener) => {
      hangUp = listener;
      if (hasHungUp) listener();
    },
    onSucceed: (listener) => {
      succeed = listener;
    },
    [Symbol.dispose]: () => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      process.off('SIGHUP', refresh);
      process.off('SIGUSR2', handOver);
    },
  };
}
