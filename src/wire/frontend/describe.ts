import { FrontendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { encodeMessage } from '../message-writer';
import { readTarget, targetParts, type Target } from './target';

/** Describe (F): ask for the parameters and columns of a prepared statement, or the columns of a portal. */
export interface Describe extends Target {
  readonly kind: 'Describe';
}

/** Decodes a body, by default the whole buffer. */
export function decodeDescribe(body: Buffer, start = 0, end = body.length): Describe {
  return { kind: 'Describe', ...readTarget(new MessageReader(body, 'Describe', start, end)) };
}

export function encodeDescribe(message: Target): Buffer {
  return encodeMessage(FrontendCode.Describe, ...targetParts(message));
}
