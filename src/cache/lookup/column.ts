type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Chunks are large, so that where they stand in memory is known without a look into memory that nobody has looked at for long. */
const chunkBits = 16;
const chunkLength = 1 << chunkBits;
const smallestLength = 64;
const spareShift = 4;

/**
 * Numbers, one for each row, 0 where none was set. It grows by chunks, and the last of them by a sixteenth, so that little is
 * copied at a time and little lies idle.
 */
export class Column {
  readonly #chunks: Numbers[] = [];

  constructor(private readonly kind: new (length: number) => Numbers) {}

  get(row: number): number {
    return this.#chunks[row >>> chunkBits]?.[row & (chunkLength - 1)] ?? 0;
  }

  set(row: number, value: number): void {
    const chunk = this.#chunks[row >>> chunkBits];
    const at = row & (chunkLength - 1);
    if (chunk !== undefined && at < chunk.length) chunk[at] = value;
    else this.#chunkWith(row)[at] = value;
  }

  #chunkWith(row: number): Numbers {
    const number = row >>> chunkBits;
    while (this.#chunks.length < number) this.#chunks.push(this.#grown(this.#chunks.length, chunkLength));
    const needed = (row & (chunkLength - 1)) + 1;
    const length = Math.min(chunkLength, Math.max(smallestLength, needed + (needed >>> spareShift)));
    const chunk = this.#grown(number, length);
    this.#chunks[number] = chunk;
    return chunk;
  }

  /** A chunk with room for more numbers, and those that it has. */
  #grown(number: number, length: number): Numbers {
    const chunk = new this.kind(length);
    const before = this.#chunks[number];
    if (before !== undefined) chunk.set(before);
    return chunk;
  }
}
