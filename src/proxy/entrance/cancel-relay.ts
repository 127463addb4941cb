import { type Encryption } from '../../postgres/server-tls';
import { openUpstream, type UpstreamAddress } from '../upstream/upstream-connection';

/**
 * Sends a CancelRequest, as it is, on a connection of its own. Resolves when the server has closed that connection, that
 * is, after it has sent the signal. It answers nothing, whether or not the key was right.
 * `encryption` is that of the session to cancel: the key is as worth protecting as the session.
 */
export async function relayCancel(
  upstream: UpstreamAddress,
  request: Buffer,
  timeoutMs: number,
  encryption?: Encryption,
): Promise<void> {
  const socket = await openUpstream(upstream, timeoutMs, encryption);
  await new Promise<void>((resolve, reject) => {
    // Not the time without a byte: a server that goes on talking has not closed the connection either.
    const timer = setTimeout(() => {
      socket.destroy(new Error(`the cancel connection was not closed within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.once('error', reject);
    socket.once('end', () => socket.end());
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.resume();
    socket.write(request);
  });
}
