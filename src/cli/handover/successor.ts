import { type ChildProcess, spawn } from 'node:child_process';
import { StartError } from '../../errors/start-error';

/** File descriptors that a successor listens on. */
export interface HandedSockets {
  readonly clients: readonly number[];
  readonly admin: number;
}

/** Reading the catalogs and opening the cache of many databases takes its time. */
const startMs = 60_000;

/**
 * Starts the program again, as it was started, in the version that lies there now, with the sockets of this one: no connection is
 * refused in between. Both accept clients once the other does, until this one stops to.
 *
 * @returns its process number, once it accepts clients
 * @throws StartError if it ends before that, takes too long, or `signal` fires; it does not run any more then
 */
export async function startSuccessor(
  { clients, admin }: HandedSockets,
  signal: AbortSignal,
): Promise<number> {
  const [program, ...args] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const sockets = [...clients, admin];
  const child = spawn(program, args, {
    stdio: ['inherit', 'inherit', 'inherit', ...sockets, 'ipc'],
    env: {
      ...process.env,
      LISTEN_FDS: String(sockets.length),
      LISTEN_FDNAMES: [...clients.map(() => 'clients'), 'admin'].join(':'),
      PCACHE_PREDECESSOR: String(process.pid),
    },
  });
  try {
    await whenReady(child, AbortSignal.any([signal, AbortSignal.timeout(startMs)]));
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  child.disconnect();
  child.unref();
  return child.pid ?? 0;
}

function whenReady(child: ChildProcess, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (message: string): void => {
      reject(new StartError(message));
    };
    child.once('message', () => {
      resolve();
    });
    child.once('error', reject);
    child.once('exit', (code, by) => {
      fail(`it ended with ${by ?? `exit code ${code ?? '?'}`}; what it said is above`);
    });
    signal.addEventListener('abort', () => {
      fail('it did not accept clients in time, or was not waited for');
    });
  });
}

/** To the process that this one succeeds, if there is one: this one accepts clients. */
export function tellPredecessor(): void {
  if (process.send === undefined) return;
  process.send('ready', () => {
    process.disconnect();
  });
}
