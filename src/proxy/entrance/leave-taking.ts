import { type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { encodeTerminate } from '../../wire/frontend/terminate';
import { type ConnectionEnd } from '../proxy-events';

/** How long a client has to close its side after we closed ours; then the connection is cut. */
const lingerMs = 5_000;

/** Closes our side of a client's connection, so that it gets all that was written. */
export function takeLeave(client: Socket): void {
  // Whoever reads slowly gets all of it; only then does the time run in which to close.
  client.end(() => {
    if (client.destroyed) return;
    const timer = setTimeout(() => client.destroy(), lingerMs);
    client.once('close', () => clearTimeout(timer));
  });
  // What the client still sends is read and thrown away: closing with unread bytes would reset the connection, and the
  // client could lose the last message.
  client.resume();
}

/** Closes the connection to the server as fits the reason: gently, unless something went wrong. */
export function leaveServer(upstream: Duplex, end: ConnectionEnd): void {
  const isGentle = end === 'drained' || end === 'idleTimeout' || end === 'notAdmin';
  if (isGentle && upstream.writable) upstream.write(encodeTerminate());
  upstream.resume();
  upstream.end();
  if (!isGentle && end !== 'client') upstream.destroy();
}
