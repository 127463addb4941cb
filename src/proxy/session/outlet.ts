import { type Duplex } from 'node:stream';

/** Below this, bytes from several places are copied together: one write costs more than the copy. */
const maxJoinedBytes = 16 * 1024;

/**
 * What goes out on one socket. Runs of bytes of one incoming chunk that are passed on stay one slice of it, and `flush`
 * makes one write of all that was added; so an untouched chunk goes out as it came in, without a copy.
 */
export class Outlet {
  private run: Buffer | undefined;
  private runStart = 0;
  private runEnd = 0;
  private readonly parts: Buffer[] = [];

  /** @param onCongested called after a write that left bytes waiting: the socket will emit `drain`. */
  constructor(
    private readonly socket: Duplex,
    private readonly onCongested: () => void,
  ) {}

  /** Whether there is nothing to flush. */
  get isEmpty(): boolean {
    return this.run === undefined && this.parts.length === 0;
  }

  /** Whether the kernel has taken everything that was added: nothing refers to it any more. */
  get isWritten(): boolean {
    return this.isEmpty && this.socket.writableLength === 0;
  }

  /** Adds the bytes of `buffer` from `start` to `end`. They must not change until `isWritten`. */
  forward(buffer: Buffer, start: number, end: number): void {
    if (this.run === buffer && this.runEnd === start) {
      this.runEnd = end;
      return;
    }
    this.endRun();
    this.run = buffer;
    this.runStart = start;
    this.runEnd = end;
  }

  append(bytes: Buffer): void {
    this.forward(bytes, 0, bytes.length);
  }

  flush(): void {
    const { run, parts } = this;
    if (run === undefined) return;
    if (parts.length === 0) {
      this.run = undefined;
      this.write(slice(run, this.runStart, this.runEnd));
      return;
    }
    this.endRun();
    if (parts.reduce((bytes, part) => bytes + part.length, 0) <= maxJoinedBytes)
      this.write(Buffer.concat(parts));
    else {
      this.socket.cork();
      for (const part of parts) this.write(part);
      this.socket.uncork();
    }
    parts.length = 0;
  }

  /** Writes bytes before those that were added and not flushed. */
  writeAhead(bytes: Buffer): void {
    this.write(bytes);
  }

  /** Forgets what was added and not flushed. */
  discard(): void {
    this.run = undefined;
    this.parts.length = 0;
  }

  private endRun(): void {
    const { run, runStart, runEnd } = this;
    if (run === undefined) return;
    this.parts.push(slice(run, runStart, runEnd));
    this.run = undefined;
  }

  private write(bytes: Buffer): void {
    if (!this.socket.writable) return;
    // A chunk above the high-water mark makes write() return false even when the kernel took it at once.
    if (!this.socket.write(bytes) && this.socket.writableLength > 0) this.onCongested();
  }
}

function slice(buffer: Buffer, start: number, end: number): Buffer {
  return start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end);
}
