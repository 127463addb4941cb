type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

const chunkBits = 12;
const chunkLength = 1 << chunkBits;
const smallestLength = 64;

/**
 * Numbers, one for each row, 0 where none was set. It grows by chunks, so that nothing is copied and little lies idle; a
 * directory of a few entries has one small chunk.
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
    let length = number === 0 ? smallestLength : chunkLength;
    while (length <= (row & (chunkLength - 1))) length *= 2;
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
