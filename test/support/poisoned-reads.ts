import { ReadBuffer } from '../../src/postgres/read-buffer';

const poison = 0xa5;
const originalUsed = Object.getOwnPropertyDescriptor(ReadBuffer.prototype, 'used')
  ?.value as ReadBuffer['used'];
let poisonedCount = 0;

/**
 * From here on, in this process, what was read into a buffer that is used again is overwritten at once, not only when the next
 * bytes happen to come: whoever still refers to it passes on, or reads, what never was sent.
 */
export function poisonReads(): void {
  ReadBuffer.prototype.used = function (bytes, isKept) {
    const { current } = this;
    originalUsed.call(this, bytes, isKept);
    if (isKept) return;
    current.fill(poison, 0, bytes);
    poisonedCount++;
  };
}

/** How many chunks were poisoned so far: none would mean that nothing is used again. */
export function poisonedReads(): number {
  return poisonedCount;
}
