import { openServerSocket, type ServerAddress } from './server-socket';
import type { Encryption } from './server-tls';

/** CancelRequest code, 1234 in the upper and 5678 in the lower half (manual, "Message Formats"). */
const CANCEL_REQUEST_CODE = 80877102;

export interface CancelTarget extends ServerAddress {
  readonly processId: number;
  readonly secretKey: number;
}

/**
 * Asks the server to end what a connection is running. Resolves when the server has closed the cancel connection, which
 * is after it has passed the signal on; whether that still met the statement is not known. `encryption` is to be that of
 * the connection it is about.
 */
export async function sendCancelRequest(
  target: CancelTarget,
  encryption: Encryption,
  timeoutMs: number,
): Promise<void> {
  const message = Buffer.alloc(16);
  message.writeInt32BE(message.length, 0);
  message.writeInt32BE(CANCEL_REQUEST_CODE, 4);
  message.writeInt32BE(target.processId, 8);
  message.writeInt32BE(target.secretKey, 12);

  const socket = await openServerSocket(target, encryption, timeoutMs);
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('the cancel request was not taken in time')));
    socket.once('error', reject);
    socket.once('close', () => resolve());
    // The server answers nothing and closes; reading is what makes its end seen.
    socket.resume();
    socket.end(message);
  });
}
