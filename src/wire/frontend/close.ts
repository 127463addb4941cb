import { FrontendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { encodeMessage } from '../message-writer';
import { readTarget, targetParts, type Target } from './target';

/** Close (F): drop a prepared statement or a portal; it is no error if there is none. */
export interface Close extends Target {
  readonly kind: 'Close';
}

/** Decodes a body, by default the whole buffer. */
export function decodeClose(body: Buffer, start = 0, end = body.length): Close {
  return { kind: 'Close', ...readTarget(new MessageReader(body, 'Close', start, end)) };
}

export function encodeClose(message: Target): Buffer {
  return encodeMessage(FrontendCode.Close, ...targetParts(message));
}
