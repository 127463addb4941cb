import { Column } from './column';

/**
 * Rows by a hash of what is in them, which is kept by somebody else. Linear hashing: it grows by one bucket at a time, so
 * that no insertion has to wait until everything has moved. 8 bytes a row; it does not shrink.
 */
export class RowIndex {
  /** The first row of each bucket, plus 1; 0 for none. */
  readonly #heads = new Column(Uint32Array);
  /** The row after each row in its bucket, plus 1. */
  readonly #next = new Column(Uint32Array);
  #buckets = 16;
  /** The largest power of two that is not above the number of buckets. */
  #level = 16;
  #size = 0;

  /** @param hashOf 32 bits; must stay the same while the row is in the index */
  constructor(private readonly hashOf: (row: number) => number) {}

  /** The first row that may have this hash, plus 1; 0 for none. */
  first(hash: number): number {
    return this.#heads.get(this.#bucketOf(hash));
  }

  /** The one after it, plus 1; 0 for none. */
  after(row: number): number {
    return this.#next.get(row);
  }

  add(row: number): void {
    this.#link(row, this.#bucketOf(this.hashOf(row)));
    if (++this.#size > this.#buckets) this.#split();
  }

  remove(row: number): void {
    const bucket = this.#bucketOf(this.hashOf(row));
    let before = 0;
    for (let at = this.#heads.get(bucket); at !== 0; at = this.after(at - 1)) {
      if (at - 1 === row) {
        if (before === 0) this.#heads.set(bucket, this.after(row));
        else this.#next.set(before - 1, this.after(row));
        this.#size--;
        return;
      }
      before = at;
    }
  }

  #bucketOf(hash: number): number {
    const bucket = (hash & (2 * this.#level - 1)) >>> 0;
    return bucket < this.#buckets ? bucket : bucket - this.#level;
  }

  #link(row: number, bucket: number): void {
    this.#next.set(row, this.#heads.get(bucket));
    this.#heads.set(bucket, row + 1);
  }

  /** Adds a bucket, and moves to it what belongs there from the one that held both. */
  #split(): void {
    if (this.#buckets === 2 * this.#level) this.#level *= 2;
    const parted = this.#buckets - this.#level;
    this.#buckets++;
    let at = this.#heads.get(parted);
    this.#heads.set(parted, 0);
    while (at !== 0) {
      const row = at - 1;
      at = this.after(row);
      this.#link(row, this.#bucketOf(this.hashOf(row)));
    }
  }
}
