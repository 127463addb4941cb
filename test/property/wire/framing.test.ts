import * as fc from 'fast-check';
import { FrameReader, FrameStep, FrameTreatment } from '../../../src/wire/frame-reader';

interface Frame {
  readonly code: number;
  readonly body: Buffer;
}

const frame = fc
  .record({ code: fc.nat(255), body: fc.uint8Array({ maxLength: 40 }) })
  .map(({ code, body }): Frame => ({ code, body: Buffer.from(body) }));

function encode({ code, body }: Frame): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(code, 0);
  header.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([header, body]);
}

/** Codes with an odd number are wanted whole, up to 25 bytes. */
function makeReader(): FrameReader {
  const treatments = Uint8Array.from({ length: 256 }, (_, code) =>
    code % 2 === 1 ? FrameTreatment.Whole : FrameTreatment.Pieces,
  );
  return new FrameReader(treatments, 25, 'frontend');
}

/** What was handed out, with pieces put together again. */
function read(chunks: readonly Buffer[]): { frames: Frame[]; passedOn: Buffer; wholes: number } {
  const reader = makeReader();
  const frames: Frame[] = [];
  const passedOn: Buffer[] = [];
  let wholes = 0;
  let parts: Buffer[] = [];
  for (const chunk of chunks) {
    reader.feed(chunk);
    for (let step = reader.next(); step !== FrameStep.None; step = reader.next()) {
      const bytes = Buffer.from(reader.buffer.subarray(reader.start, reader.end));
      passedOn.push(bytes);
      if (reader.isFirst) {
        parts = [];
        if (step === FrameStep.Piece) expect(bytes.length).toBeGreaterThanOrEqual(5);
      }
      parts.push(bytes);
      if (step === FrameStep.Whole) {
        wholes++;
        expect(bytes.length).toBe(reader.frameBytes);
      }
      if (reader.isLast) frames.push({ code: reader.code, body: Buffer.concat(parts).subarray(5) });
    }
  }
  expect(reader.isAtFrameBoundary).toBe(true);
  return { frames, passedOn: Buffer.concat(passedOn), wholes };
}

test('framing is equal under every split into two chunks, and into single bytes', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 4 }), (frames) => {
      const stream = Buffer.concat(frames.map(encode));
      const expected = read([stream]);
      expect(expected.frames).toEqual(frames);
      const wholes = frames.filter(({ code, body }) => code % 2 === 1 && body.length <= 20).length;
      expect(expected.wholes).toBe(wholes);
      for (let at = 0; at <= stream.length; at++) {
        expect(read([stream.subarray(0, at), stream.subarray(at)])).toEqual(expected);
      }
      expect(read(Array.from(stream, (byte) => Buffer.of(byte)))).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('framing is equal under any chunks, and every byte is handed out once, in order', () => {
  const sizes = fc.array(fc.nat(30), { maxLength: 40 });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 12 }), sizes, (frames, cuts) => {
      const stream = Buffer.concat(frames.map(encode));
      const chunks: Buffer[] = [];
      let at = 0;
      for (const size of cuts) {
        chunks.push(stream.subarray(at, at + size));
        at += size;
      }
      chunks.push(stream.subarray(at));
      const result = read(chunks);
      expect(result.frames).toEqual(frames);
      expect(result.passedOn.equals(stream)).toBe(true);
    }),
  );
});

test('arbitrary bytes are frames or a protocol violation, never anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 10 }), (chunks) => {
      const reader = makeReader();
      try {
        for (const chunk of chunks) {
          reader.feed(Buffer.from(chunk));
          while (reader.next() !== FrameStep.None);
        }
      } catch (error) {
        expect(error).toMatchObject({ name: 'PgError', sqlState: '08P01', severity: 'FATAL' });
      }
    }),
  );
});
