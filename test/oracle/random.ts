/** A seeded source of random choices (sfc32), so that a run can be had again from the number it printed. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Equal arguments, equal choices; any difference between them gives unrelated ones. */
  constructor(...seed: readonly number[]) {
    let hash = 0x9e3779b9;
    for (const part of seed) hash = Math.imul(hash ^ part, 0x85ebca6b) ^ (hash >>> 13);
    this.#a = hash;
    this.#b = Math.imul(hash, 0xc2b2ae35);
    this.#c = ~hash;
    for (let i = 0; i < 15; i++) this.#next();
  }

  /** From `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.#next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to choose from');
    return items[this.int(0, items.length - 1)] as T;
  }

  /** Up to `count` different items, in random order. */
  sample<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    const chosen: T[] = [];
    while (chosen.length < count && rest.length > 0)
      chosen.push(...rest.splice(this.int(0, rest.length - 1), 1));
    return chosen;
  }

  times<T>(count: number, make: (i: number) => T): T[] {
    return Array.from({ length: count }, (_, i) => make(i));
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  }
}
