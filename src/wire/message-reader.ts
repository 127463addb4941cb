import { protocolViolation } from '../errors/pg-error';

/** Reads the fields of one message body; every read is checked and fails with PgError 08P01. */
export class MessageReader {
  /**
   * @param what the message's name, for error messages
   * @param at where the body begins
   * @param end where it ends
   */
  constructor(
    private readonly body: Buffer,
    private readonly what: string,
    private at = 0,
    private readonly end = body.length,
  ) {}

  get remaining(): number {
    return this.end - this.at;
  }

  uint8(): number {
    return this.body.readUInt8(this.advance(1));
  }

  uint16(): number {
    return this.body.readUInt16BE(this.advance(2));
  }

  int32(): number {
    return this.body.readInt32BE(this.advance(4));
  }

  uint32(): number {
    return this.body.readUInt32BE(this.advance(4));
  }

  /** A zero-terminated string. */
  cstring(): string {
    const { at } = this;
    const next = this.skipCstring();
    // The unnamed statement and portal are the common case.
    return next === at + 1 ? '' : this.body.toString('utf8', at, next - 1);
  }

  /** Moves past a zero-terminated string; returns where the next field begins. */
  skipCstring(): number {
    const zero = this.body.indexOf(0, this.at);
    if (zero === -1 || zero >= this.end) throw this.malformed('a string is not terminated');
    this.at = zero + 1;
    return this.at;
  }

  /** The next bytes, as a view of the message. */
  bytes(count: number): Buffer {
    const start = this.advance(count);
    return this.body.subarray(start, start + count);
  }

  /** A value with its length before it; -1 is SQL NULL. A view of the message. */
  value(): Buffer | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0) throw this.malformed('a value has a negative length');
    return this.bytes(length);
  }

  /** As many items as a uint16 says. */
  list<T>(read: () => T): T[] {
    const count = this.uint16();
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  finish(): void {
    if (this.at !== this.end) throw this.malformed('it is longer than its fields');
  }

  malformed(detail: string): Error {
    return protocolViolation(`malformed ${this.what} message`, `${this.what}: ${detail}.`);
  }

  private advance(count: number): number {
    const { at } = this;
    if (count > this.end - at) throw this.malformed('it ends inside a field');
    this.at = at + count;
    return at;
  }
}
