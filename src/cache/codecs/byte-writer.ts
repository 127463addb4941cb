/** Bytes written one after the other into a buffer that grows. */
export class ByteWriter {
  private buffer: Buffer;
  private length = 0;

  constructor(capacity = 256) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  uint8(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  /** An unsigned number up to 2^53 - 1: seven bits a byte, lowest first, the top bit says that more follow. */
  varint(value: number): void {
    this.varint64(value >>> 0, Math.floor(value / 0x1_0000_0000));
  }

  /** The same for 64 bits, given as two unsigned halves. */
  varint64(low: number, high: number): void {
    this.reserve(10);
    while (high > 0) {
      this.buffer[this.length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    while (low > 0x7f) {
      this.buffer[this.length++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
    this.buffer[this.length++] = low;
  }

  float64(value: number): void {
    this.reserve(8);
    this.length = this.buffer.writeDoubleLE(value, this.length);
  }

  /** UTF-8, preceded by its length in bytes. */
  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.reserve(bytes);
    this.length += this.buffer.write(value, this.length);
  }

  /** What was written. The writer is not to be used afterwards. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + bytes));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
