import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../errors/message-of';
import { listen } from '../postgres/listen';

/** The socket cannot be had; the message names the file and the reason. */
export class SocketFileError extends Error {
  override readonly name = 'SocketFileError';

  constructor(path: string, cause: unknown) {
    const isTaken = hasCode(cause, 'EADDRINUSE');
    super(`${path}: ${isTaken ? 'somebody listens there, or it is no socket' : messageOf(cause)}`, { cause });
  }
}

/** What a client looks for in a socket directory, as PostgreSQL names it. */
export function socketFile(directory: string, port: number): string {
  return join(directory, `.s.PGSQL.${port}`);
}

/**
 * Listens on a unix socket that every user may connect to (who gets in is the server's to say, as with PostgreSQL's
 * unix_socket_permissions of 0777). A file left behind by a process that was killed is replaced, one that somebody
 * listens on is not: rejects with EADDRINUSE. When the server is closed, the file is removed, unless somebody else has replaced it.
 *
 * @param isSuccessor whoever listens on it is about to stop: it is replaced, so that at no time there is none
 */
export async function listenOnSocketFile(server: Server, path: string, isSuccessor: boolean): Promise<void> {
  if (!isSuccessor && (await isListenedOn(path)))
    throw Object.assign(new Error(`${path} is in use`), { code: 'EADDRINUSE' });
  // The file that Node.js removes when the server is closed is the one it was told of, which by then is no more.
  const made = `${path}.${process.pid}`;
  rmSync(made, { force: true });
  await listen(server, { path: made });
  chmodSync(made, 0o777);
  const { ino } = lstatSync(made);
  renameSync(made, path);
  server.once('close', () => {
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
  });
}

/** Only a refusal tells for certain that nobody does. A file that is no socket refuses as well, and is not ours to replace. */
function isListenedOn(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false) return Promise.resolve(true);
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!hasCode(error, 'ECONNREFUSED') && !hasCode(error, 'ENOENT')));
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
