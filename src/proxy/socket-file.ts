import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../errors/message-of';

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
 * listens on is not: rejects with EADDRINUSE. The server removes the file when it is closed.
 */
export async function listenOnSocketFile(server: Server, path: string): Promise<void> {
  try {
    await listen(server, path);
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE') || (await isListenedOn(path))) throw error;
    rmSync(path, { force: true });
    await listen(server, path);
  }
  chmodSync(path, 0o777);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Only a refusal tells for certain that nobody does. A file that is no socket refuses as well, and is not ours to remove. */
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
