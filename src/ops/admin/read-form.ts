import type { IncomingMessage } from 'node:http';
import { type HttpReply, plainReply } from './http-reply';

const maxBytes = 4_096;

/** The fields of a form, or why it cannot be read. What is longer than any form here is not read to its end. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | HttpReply> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
    return plainReply(415, 'expected a form, application/x-www-form-urlencoded');
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    const chunk = part as Buffer;
    bytes += chunk.length;
    if (bytes > maxBytes)
      return plainReply(413, `a form here has ${maxBytes} bytes at most`, { connection: 'close' });
    parts.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(parts).toString('utf8'));
}
