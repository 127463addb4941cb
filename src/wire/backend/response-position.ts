import { MessageReader } from '../message-reader';
import { encodeMessage } from '../message-writer';
import { BackendCode } from '../message-code';
import { type ResponseFields } from './response-fields';

const positionField = 0x50; // P

/**
 * An ErrorResponse or NoticeResponse with another statement position (field `P`); without one if `move` answers undefined.
 * All other bytes stay as they are, for text in them is in the client's encoding.
 *
 * @returns undefined if nothing is to be changed
 */
export function movePosition(
  kind: ResponseFields['kind'],
  frame: Buffer,
  start: number,
  end: number,
  move: (position: number) => number | undefined,
): Buffer | undefined {
  const reader = new MessageReader(frame, kind, start + 5, end);
  for (let type = reader.uint8(); type !== 0; type = reader.uint8()) {
    const from = end - reader.remaining;
    const to = reader.skipCstring();
    if (type !== positionField) continue;
    const position = Number(frame.toString('latin1', from, to - 1));
    const moved = move(position);
    if (moved === position) return undefined;
    const field = moved === undefined ? '' : `P${moved}\0`;
    const before = frame.subarray(start + 5, from - 1);
    return encodeMessage(BackendCode[kind], before, Buffer.from(field), frame.subarray(to, end));
  }
  return undefined;
}
