/** Holds what most clients say and most servers answer at once, and what PostgreSQL sends of a large result in one go. */
const smallBytes = 8 * 1024;
/** The size Node reads by. */
const largeBytes = 64 * 1024;

/**
 * The buffer one socket is read into, again and again. Node would take 64 kB for every read, however few bytes come, and
 * the answer to a short statement is a hundred. Each socket has its own, for a write that the kernel did not take at once
 * refers to the bytes for as long as it waits: then only this socket has to take another buffer.
 *
 * It is large while much comes, so that an idle session costs little.
 */
export class ReadBuffer {
  private buffer = Buffer.allocUnsafeSlow(smallBytes);

  /** What to read into. */
  get current(): Buffer {
    return this.buffer;
  }

  /** So many bytes were read. If they are kept, somebody refers to them, and they must never change. */
  used(bytes: number, isKept: boolean): void {
    const wanted = bytes < smallBytes ? smallBytes : largeBytes;
    if (isKept || this.buffer.length !== wanted) this.buffer = Buffer.allocUnsafeSlow(wanted);
  }
}
