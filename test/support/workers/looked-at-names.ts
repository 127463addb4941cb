import { callName } from '../../../src/cli/workers/channel';
import type { ConsoleResult } from '../../../src/ops/console/console-command';

/** Counts a connection. */
export const countOne = callName<undefined, undefined>('count one');
/** As a client of its console has it. */
export const runCommand = callName<string, ConsoleResult>('run a command');
/** Cancels it, as its client would. */
export const cancelNow = callName<undefined, undefined>('cancel it');
