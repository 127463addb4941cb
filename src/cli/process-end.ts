import type { Log } from '../ops/log/log';
import { ExitCode } from './exit-code';

/** Time to close everything, and for the process to end by itself then. */
const closingMs = 5000;

/** Nothing is known to hold after an error nobody expected: other sessions are better off with a new process. */
export function endOnUnexpectedErrors(log: Log): void {
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'unexpected error: this is a bug, please report it');
    process.exit(ExitCode.Failed);
  });
}

/**
 * The work is done and everything is about to be closed, which waits for servers that do not answer, but not for long: what keeps the process alive
 * then is named, and left behind.
 */
export function endSoon(log: Log): void {
  setTimeout(() => {
    log.error(
      { resources: process.getActiveResourcesInfo() },
      'something keeps the process alive; ending it',
    );
    process.exit();
  }, closingMs).unref();
}
