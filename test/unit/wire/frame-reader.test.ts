import { FrameReader, FrameStep, FrameTreatment } from '../../../src/wire/frame-reader';
import { frontendTreatments } from '../../../src/wire/frame-treatments';
import { encodeQuery } from '../../../src/wire/frontend/query';

function readerOf(maxWholeBytes = 1024): FrameReader {
  return new FrameReader(frontendTreatments(), maxWholeBytes, 'frontend');
}

describe('FrameReader', () => {
  test('describes a frame that lies in one chunk in that chunk', () => {
    const reader = readerOf();
    const chunk = Buffer.concat([encodeQuery({ query: 'a' }), encodeQuery({ query: 'b' })]);
    reader.feed(chunk);
    expect(reader.next()).toBe(FrameStep.Whole);
    expect(reader).toMatchObject({ buffer: chunk, start: 0, end: 7 });
    expect(reader.next()).toBe(FrameStep.Whole);
    expect(reader).toMatchObject({ buffer: chunk, start: 7, end: 14 });
    expect(reader.next()).toBe(FrameStep.None);
  });

  test('hands a frame out in pieces that is larger than what is kept whole', () => {
    const reader = readerOf(100);
    const frame = encodeQuery({ query: 'x'.repeat(200) });
    reader.feed(frame.subarray(0, 50));
    expect(reader.next()).toBe(FrameStep.Piece);
    expect(reader).toMatchObject({ isFirst: true, isLast: false, start: 0, end: 50 });
    expect(reader.isStreaming).toBe(true);
    expect(reader.next()).toBe(FrameStep.None);
    reader.feed(frame.subarray(50));
    expect(reader.next()).toBe(FrameStep.Piece);
    expect(reader).toMatchObject({ isFirst: false, isLast: true });
    expect(reader.isAtFrameBoundary).toBe(true);
  });

  test('takes memory for the bytes that came, not for the length that was announced', () => {
    const reader = readerOf(Infinity);
    const header = Buffer.from([0x51, 0x3f, 0xff, 0xff, 0xff, 0x41]);
    const before = process.memoryUsage().arrayBuffers;
    reader.feed(header);
    expect(reader.next()).toBe(FrameStep.None);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
  });

  test.each([
    ['a length that does not cover itself', Buffer.from([0x51, 0, 0, 0, 3]), 'invalid message length'],
    ['a length no message can have', Buffer.from([0x51, 0x40, 0, 0, 0]), 'invalid message length'],
    ['a negative length', Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]), 'invalid message length'],
    ['a first byte that begins no message', Buffer.from([0, 0, 0, 0, 4]), 'invalid frontend message type 0'],
  ])('refuses: %s', (_title, bytes, message) => {
    for (const split of [0, 1, 4]) {
      const reader = readerOf();
      const read = (): void => {
        for (const chunk of [bytes.subarray(0, split), bytes.subarray(split)]) {
          reader.feed(chunk);
          while (reader.next() !== FrameStep.None);
        }
      };
      expect(read).toThrow(expect.objectContaining({ name: 'PgError', sqlState: '08P01', message }));
    }
  });

  test('refuses: a chunk while the last one has not been read', () => {
    const reader = readerOf();
    reader.feed(encodeQuery({ query: 'a' }));
    expect(() => reader.feed(Buffer.from('x'))).toThrow('has not been read');
  });

  test('gives back everything that was not handed out', () => {
    const reader = readerOf();
    const frame = encodeQuery({ query: 'select 1' });
    reader.feed(frame.subarray(0, 8));
    expect(reader.next()).toBe(FrameStep.None);
    reader.feed(frame.subarray(8, 10));
    expect(reader.takeRest()).toEqual(frame.subarray(0, 10));
    expect(reader.isAtFrameBoundary).toBe(true);
  });

  test('a treatment may change between frames', () => {
    const treatments = frontendTreatments();
    const reader = new FrameReader(treatments, 1024, 'frontend');
    reader.feed(Buffer.concat([encodeQuery({ query: 'a' }), encodeQuery({ query: 'b' })]));
    expect(reader.next()).toBe(FrameStep.Whole);
    treatments[0x51] = FrameTreatment.Pieces;
    expect(reader.next()).toBe(FrameStep.Piece);
  });
});
