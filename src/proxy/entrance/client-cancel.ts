import { setTimeout as delay } from 'node:timers/promises';
import { type CancelRequest } from '../../wire/startup/cancel-request';
import { relayCancel } from './cancel-relay';
import { type ClientSession } from '../session/client-session';
import { type SessionHost } from '../session/session-host';

/** A cancel request waits at most this long for the client's own statement to be on its way. */
const patienceMs = 5_000;
const repeatMs = 20;
const maxRepeats = 5;

/** What sessions are found by: process number and secret key, as BackendKeyData gave them. */
export function cancelKey({ processId, secretKey }: CancelRequest): string {
  return `${processId}:${secretKey.toString('hex')}`;
}

/**
 * Passes a client's CancelRequest on, byte for byte, and resolves when it has been delivered; the caller closes the client's
 * connection then, for a client may rely on that order. Never rejects.
 */
export async function relayClientCancel(
  host: SessionHost,
  request: CancelRequest,
  bytes: Buffer,
): Promise<void> {
  const session = host.findByKey(cancelKey(request));
  if (session === undefined && (await host.cancelElsewhere(bytes))) return;
  await relayToSession(host, session, bytes);
}

/**
 * The same for a session of this process, or one that nobody knows. If the session is busy with hidden messages, or with deciding, the
 * request waits until the client's statement has been sent.
 */
export async function relayToSession(
  host: SessionHost,
  session: ClientSession | undefined,
  bytes: Buffer,
): Promise<void> {
  const cancelable = session?.whenCancelable();
  if (cancelable !== undefined) await withDeadline(cancelable, patienceMs);
  const repliesBefore = session?.repliesEnded;
  if (session?.isConsole === true) {
    await session.upstream.cancel();
    host.events.cancelRelayed('relayed');
    return;
  }
  const relay = (): Promise<void> =>
    relayCancel(host.upstream, bytes, host.limits.connectTimeoutMs, session?.upstreamEncryption);
  try {
    await relay();
    // The statement was sent only a moment ago, though the client sent it long before: the server may not have begun it,
    // and have ignored the request. The client still waits for its connection to close, so nothing else can be hit.
    for (let again = 0; cancelable !== undefined && again < maxRepeats; again++) {
      await delay(repeatMs);
      if (session?.isBusy !== true || session.repliesEnded !== repliesBefore) break;
      await relay();
    }
    host.events.cancelRelayed('relayed');
  } catch (error) {
    host.events.cancelRelayed('failed');
    host.log.warn({ err: error }, 'a cancel request could not be passed on');
  }
}

async function withDeadline(promise: Promise<void>, ms: number): Promise<void> {
  const deadline = new AbortController();
  await Promise.race([promise, delay(ms, undefined, { signal: deadline.signal }).catch(() => undefined)]);
  deadline.abort();
}
