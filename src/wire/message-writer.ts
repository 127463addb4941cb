/** A message: first byte, length word, and the parts of its body. */
export function encodeMessage(code: number, ...parts: readonly Buffer[]): Buffer {
  let length = 4;
  for (const part of parts) length += part.length;
  const message = Buffer.allocUnsafe(length + 1);
  message.writeUInt8(code, 0);
  message.writeUInt32BE(length, 1);
  let at = 5;
  for (const part of parts) at += part.copy(message, at);
  return message;
}

/** A zero-terminated string. The text must not contain a zero itself: it would end the field early. */
export function cstring(text: string): Buffer {
  if (text.includes('\0')) throw new RangeError('a string on the wire cannot contain a zero byte');
  return Buffer.from(`${text}\0`, 'utf8');
}

export function uint8(value: number): Buffer {
  return Buffer.of(value);
}

export function uint16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A uint16 count, then the items. */
export function list<T>(items: readonly T[], encode: (item: T) => Buffer): Buffer {
  return Buffer.concat([uint16(items.length), ...items.map(encode)]);
}

/** A value with its length before it; SQL NULL is length -1. */
export function value(bytes: Buffer | null): Buffer {
  return bytes === null ? int32(-1) : Buffer.concat([int32(bytes.length), bytes]);
}
