import { DamagedRecordError } from './damaged-record-error';

/** Reads what ByteWriter wrote; throws DamagedRecordError at the end of the bytes, never reads past it. */
export class ByteReader {
  private position = 0;
  /** The upper half of the integer `varint64` returned last; a pair of numbers a call would be garbage a call. */
  high = 0;

  constructor(private readonly buffer: Buffer) {}

  get remaining(): number {
    return this.buffer.length - this.position;
  }

  uint8(): number {
    const value = this.buffer[this.position];
    if (value === undefined) throw new DamagedRecordError(`ends at byte ${this.position}`);
    this.position++;
    return value;
  }

  varint(): number {
    const low = this.varint64();
    const value = this.high * 0x1_0000_0000 + low;
    if (!Number.isSafeInteger(value)) throw new DamagedRecordError('has a number above 2^53');
    return value;
  }

  /** The lower half, unsigned; the upper one is left in `high`. */
  varint64(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.uint8();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        if (shift === 63 && bits > 1) break;
        this.high = high >>> 0;
        return low >>> 0;
      }
    }
    throw new DamagedRecordError('has a number above 2^64');
  }

  float64(): number {
    return this.bytes(8).readDoubleLE(0);
  }

  text(): string {
    return this.bytes(this.varint()).toString('utf8');
  }

  /** Shares the memory of what is read. */
  bytes(count: number): Buffer {
    if (count > this.remaining) throw new DamagedRecordError(`ends at byte ${this.buffer.length}`);
    this.position += count;
    return this.buffer.subarray(this.position - count, this.position);
  }

  end(): void {
    if (this.remaining > 0) throw new DamagedRecordError(`has ${this.remaining} bytes too many`);
  }
}
