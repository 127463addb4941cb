import { protocolViolation } from '../errors/pg-error';

/** What `FrameReader.next` found. */
export const FrameStep = {
  /** Nothing more in this chunk. */
  None: 0,
  /** A whole frame: `buffer` from `start` to `end`. */
  Whole: 1,
  /** A piece of a frame that is not wanted whole: `buffer` from `start` to `end`. */
  Piece: 2,
} as const;
export type FrameStep = (typeof FrameStep)[keyof typeof FrameStep];

/** How frames with a certain first byte are handed out. */
export const FrameTreatment = { Refuse: 0, Whole: 1, Pieces: 2 } as const;
export type FrameTreatment = (typeof FrameTreatment)[keyof typeof FrameTreatment];

/** PostgreSQL's own bound on the length word of any message (MaxAllocSize - 1). */
export const maxMessageLength = 0x3fffffff;

const headerBytes = 5;
const nothing = Buffer.alloc(0);

/**
 * Cuts a stream of typed messages (first byte, length word, body) into frames. Pure: chunks go in through `feed`, frames
 * come out of `next`, one at a time and without allocating: the fields below describe the frame at hand and are valid
 * until the next call.
 *
 * A frame that lies inside one chunk is described in that chunk, so a run of frames can be passed on as one slice. A frame
 * wanted whole that spans chunks is gathered in a buffer of its own, which grows with the bytes that came, never with
 * the length that was announced. A frame that is not wanted whole, or is larger than `maxWholeBytes`, comes in pieces.
 *
 * Throws PgError 08P01 for a length no message can have and for a first byte whose treatment is Refuse; the reader is of
 * no further use then.
 */
export class FrameReader {
  code = 0;
  /** Bytes of the frame, header included. */
  frameBytes = 0;
  buffer: Buffer = nothing;
  start = 0;
  end = 0;
  /** For pieces: whether this one holds the frame's first bytes (the header at least), or its last. */
  isFirst = true;
  isLast = true;

  private chunk: Buffer = nothing;
  private at = 0;
  /** Bytes still to come of the frame that is handed out in pieces. */
  private streaming = 0;
  private gathered: Buffer = nothing;
  private gatheredBytes = 0;

  /**
   * @param treatments 256 treatments, by first byte; may be changed between frames.
   * @param who 'frontend' or 'backend', for error messages.
   */
  constructor(
    private readonly treatments: Uint8Array,
    private readonly maxWholeBytes: number,
    private readonly who: 'frontend' | 'backend',
  ) {}

  /** Gives the reader a chunk, which must not change until `hasReadAll`, nor until nobody needs the frames in it. */
  feed(chunk: Buffer): void {
    if (!this.hasReadAll) throw new Error('the previous chunk has not been read to its end');
    this.chunk = chunk;
    this.at = 0;
  }

  /** Whether the chunk was read to its end; a frame that begins in it and ends in a later one has been copied. */
  get hasReadAll(): boolean {
    return this.at === this.chunk.length;
  }

  /** Whether the bytes handed out so far end at a frame's end, nothing being gathered or streamed. */
  get isAtFrameBoundary(): boolean {
    return this.streaming === 0 && this.gatheredBytes === 0;
  }

  /** Whether a frame was handed out in part: its remaining bytes have to follow. */
  get isStreaming(): boolean {
    return this.streaming > 0;
  }

  /** Takes everything out of the reader that was not handed out: for whoever goes on without framing. */
  takeRest(): Buffer {
    const rest = Buffer.concat([this.gathered.subarray(0, this.gatheredBytes), this.chunk.subarray(this.at)]);
    this.forgetGathered();
    this.chunk = nothing;
    this.at = 0;
    return rest;
  }

  /** Where the bytes begin, in the chunk at hand, that were not handed out yet; for looking ahead. */
  get unread(): { readonly chunk: Buffer; readonly at: number } {
    return { chunk: this.chunk, at: this.at };
  }

  next(): FrameStep {
    const { chunk, at } = this;
    const available = chunk.length - at;
    if (available === 0) {
      this.chunk = nothing;
      this.at = 0;
      return FrameStep.None;
    }
    if (this.streaming > 0) return this.nextPiece(available);
    if (this.gatheredBytes > 0) return this.gather();
    if (available < headerBytes) {
      this.keep(available, headerBytes);
      return FrameStep.None;
    }
    const frameBytes = this.readHeader(chunk, at);
    if (!this.isWantedWhole(frameBytes)) {
      this.streaming = frameBytes;
      return this.nextPiece(available, true);
    }
    if (available < frameBytes) {
      this.keep(available, Math.min(frameBytes, Math.max(4 * available, 1024)));
      return FrameStep.None;
    }
    this.describe(chunk, at, at + frameBytes, true, true);
    this.at = at + frameBytes;
    return FrameStep.Whole;
  }

  private describe(buffer: Buffer, start: number, end: number, isFirst: boolean, isLast: boolean): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.isFirst = isFirst;
    this.isLast = isLast;
  }

  private readHeader(buffer: Buffer, at: number): number {
    const code = buffer.readUInt8(at);
    if (this.treatments[code] === FrameTreatment.Refuse) {
      throw protocolViolation(`invalid ${this.who} message type ${code}`);
    }
    const length = buffer.readUInt32BE(at + 1);
    if (length < 4 || length > maxMessageLength) {
      throw protocolViolation('invalid message length', `The ${this.who} announced ${length} bytes.`);
    }
    this.code = code;
    this.frameBytes = length + 1;
    return length + 1;
  }

  private isWantedWhole(frameBytes: number): boolean {
    return frameBytes <= this.maxWholeBytes && this.treatments[this.code] === FrameTreatment.Whole;
  }

  private nextPiece(available: number, isFirst = false): FrameStep {
    const bytes = Math.min(available, this.streaming);
    this.streaming -= bytes;
    this.describe(this.chunk, this.at, this.at + bytes, isFirst, this.streaming === 0);
    this.at += bytes;
    return FrameStep.Piece;
  }

  /** Moves bytes of the chunk to the buffer of the frame being gathered. */
  private keep(bytes: number, expectedBytes: number): void {
    const needed = this.gatheredBytes + bytes;
    if (needed > this.gathered.length) {
      // The old buffer may have been handed out, and a growing frame must not be copied for each byte of it.
      const larger = Buffer.allocUnsafe(Math.max(needed, expectedBytes));
      this.gathered.copy(larger, 0, 0, this.gatheredBytes);
      this.gathered = larger;
    }
    this.chunk.copy(this.gathered, this.gatheredBytes, this.at, this.at + bytes);
    this.gatheredBytes = needed;
    this.at += bytes;
  }

  private gather(): FrameStep {
    if (this.gatheredBytes < headerBytes) {
      const available = this.chunk.length - this.at;
      this.keep(Math.min(headerBytes - this.gatheredBytes, available), headerBytes);
      if (this.gatheredBytes < headerBytes) return this.next();
      const frameBytes = this.readHeader(this.gathered, 0);
      if (!this.isWantedWhole(frameBytes)) return this.streamGathered(frameBytes);
    }
    const missing = Math.min(this.frameBytes - this.gatheredBytes, this.chunk.length - this.at);
    if (missing > 0) this.keep(missing, Math.min(this.frameBytes, 2 * (this.gatheredBytes + missing)));
    if (this.gatheredBytes < this.frameBytes) return this.next();
    this.describe(this.gathered, 0, this.frameBytes, true, true);
    this.forgetGathered();
    return FrameStep.Whole;
  }

  /** A header that came in two chunks, of a frame that is handed out in pieces: the header is the first piece. */
  private streamGathered(frameBytes: number): FrameStep {
    this.streaming = frameBytes - headerBytes;
    this.describe(this.gathered, 0, headerBytes, true, this.streaming === 0);
    this.forgetGathered();
    return FrameStep.Piece;
  }

  private forgetGathered(): void {
    this.gathered = nothing;
    this.gatheredBytes = 0;
  }
}
