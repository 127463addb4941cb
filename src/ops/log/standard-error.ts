import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** A reader of the log that is busy is waited for so long, once. */
const patienceMs = 50;

/**
 * Where the log is written, at once: what is logged just before the process ends is still there. What cannot be written, as the disk is full or the
 * reader has gone or does not read, is lost, and no reason to end a process that has sessions; their number is written as soon as that is possible.
 */
export class StandardError implements DestinationStream {
  #lost = 0;
  #isMidLine = false;

  constructor(
    /** A line that says how many were lost. */
    private readonly lostLine: (lost: number) => string,
    private readonly descriptor = 2,
  ) {}

  write(line: string): void {
    if (this.#lost > 0) {
      if (!this.#put(this.lostLine(this.#lost), 0)) {
        this.#lost++;
        return;
      }
      this.#lost = 0;
    }
    if (!this.#put(line, patienceMs)) this.#lost++;
  }

  /** Whether all of it was written. */
  #put(line: string, waitMs: number): boolean {
    let left = Buffer.from(this.#isMidLine ? `\n${line}` : line);
    const end = performance.now() + waitMs;
    while (left.length > 0) {
      try {
        left = left.subarray(writeSync(this.descriptor, left));
        this.#isMidLine = left.length > 0;
      } catch (error) {
        if (!isBusy(error) || performance.now() >= end) return false;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
    return true;
  }
}

function isBusy(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN';
}
