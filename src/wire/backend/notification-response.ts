import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { cstring, encodeMessage, uint32 } from '../message-writer';

/** NotificationResponse (B): a NOTIFY on a channel the session listens to. */
export interface NotificationResponse {
  readonly kind: 'NotificationResponse';
  readonly processId: number;
  readonly channel: string;
  readonly payload: string;
}

/** Decodes a body, by default the whole buffer. */
export function decodeNotificationResponse(body: Buffer, start = 0, end = body.length): NotificationResponse {
  const reader = new MessageReader(body, 'NotificationResponse', start, end);
  const processId = reader.uint32();
  const channel = reader.cstring();
  const payload = reader.cstring();
  reader.finish();
  return { kind: 'NotificationResponse', processId, channel, payload };
}

export function encodeNotificationResponse(message: Omit<NotificationResponse, 'kind'>): Buffer {
  return encodeMessage(
    BackendCode.NotificationResponse,
    uint32(message.processId),
    cstring(message.channel),
    cstring(message.payload),
  );
}
