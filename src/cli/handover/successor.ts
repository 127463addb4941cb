import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf } from '../../errors/message-of';
import { StartError } from '../../errors/start-error';
import type { OperatorSettings } from './operator-settings';

/** File descriptors that a successor listens on. */
export interface HandedSockets {
  readonly clients: readonly number[];
  readonly admin: number;
}

export interface SuccessorOptions {
  /** Time it has until it accepts clients. */
  readonly timeoutMs: number;
  /** It goes on with. */
  readonly settings: OperatorSettings;
  /** When it fires, no successor is wanted any more. */
  readonly signal: AbortSignal;
}

/**
 * Starts the program again, as it was started, in the version that lies there now, with the sockets of this one: no connection is
 * refused in between. Both accept clients once the other does, until this one stops to.
 *
 * @returns its process, once it accepts clients
 * @throws StartError if it ends before that, takes too long, or `signal` fires; it has ended then
 */
export async function startSuccessor(
  { clients, admin }: HandedSockets,
  { timeoutMs, settings, signal }: SuccessorOptions,
): Promise<ChildProcess> {
  if (signal.aborted) throw new StartError('it is not wanted any more');
  const [program, ...args] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const sockets = [...clients, admin];
  const child = spawn(program, args, {
    stdio: ['inherit', 'inherit', 'inherit', ...sockets, 'ipc'],
    env: {
      ...process.env,
      LISTEN_FDS: String(sockets.length),
      LISTEN_FDNAMES: [...clients.map(() => 'clients'), 'admin'].join(':'),
      PCACHE_PREDECESSOR: JSON.stringify(settings),
    },
  });
  const gone = new Promise((resolve) => {
    child.once('exit', resolve);
    // There was no process to begin with.
    child.once('error', resolve);
  });
  try {
    await whenReady(child, timeoutMs, signal);
  } catch (error) {
    child.kill('SIGKILL');
    // What it holds, this process takes back.
    await gone;
    throw error;
  }
  child.disconnect();
  child.unref();
  return child;
}

function whenReady(child: ChildProcess, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (message: string): void => {
      clearTimeout(timer);
      reject(new StartError(message));
    };
    const timer = setTimeout(() => {
      fail(`it did not accept clients within ${timeoutMs} ms`);
    }, timeoutMs);
    child.once('message', () => {
      clearTimeout(timer);
      resolve();
    });
    child.once('error', (error) => {
      fail(messageOf(error));
    });
    child.once('exit', (code, by) => {
      fail(`it ended with ${by ?? `exit code ${code ?? '?'}`}; what it said is above`);
    });
    signal.addEventListener('abort', () => {
      fail('it is not wanted any more');
    });
  });
}

/** To the process that this one succeeds, if there is one: this one accepts clients. */
export function tellPredecessor(): void {
  if (process.send === undefined) return;
  process.send('ready', () => {
    // If it has been killed meanwhile, there is nobody to leave.
    if (process.connected) process.disconnect();
  });
}
