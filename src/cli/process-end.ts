import type { Log } from '../ops/log/log';
import { ExitCode } from './exit-code';

/** Time the process gets, after all was closed, to end by itself. */
const exitGraceMs = 5000;

/** Nothing is known to hold after an error nobody expected: other sessions are better off with a new process. */
export function endOnUnexpectedErrors(log: Log): void {
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'unexpected error: this is a bug, please report it');
    process.exit(ExitCode.Failed);
  });
}

/** Everything is closed, so nothing should keep the process alive; if something does, it is named, and left behind. */
export function reportIfNotEnding(log: Log): void {
  setTimeout(() => {
    log.error(
      { resources: process.getActiveResourcesInfo() },
      'something keeps the process alive; ending it',
    );
    process.exit();
  }, exitGraceMs).unref();
}
