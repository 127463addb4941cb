/** A map that forgets what was not used for longest once it is full. */
export class BoundedMap<K, V> {
  readonly #map = new Map<K, V>();
  #weight = 0;
  /** The item used last, which need not be moved when it is used again. */
  #newest: K | undefined;

  /** @param weigh what an item counts towards `limit`; 1 each by default */
  constructor(
    private readonly limit: number,
    private readonly weigh: (value: V, key: K) => number = () => 1,
  ) {}

  /** Sum of the items' weights. */
  get weight(): number {
    return this.#weight;
  }

  get(key: K): V | undefined {
    const value = this.#map.get(key);
    if (value === undefined || key === this.#newest) return value;
    this.#map.delete(key);
    this.#map.set(key, value);
    this.#newest = key;
    return value;
  }

  set(key: K, value: V): void {
    this.delete(key);
    this.#map.set(key, value);
    this.#newest = key;
    this.#weight += this.weigh(value, key);
    for (const oldest of this.#map.keys()) {
      if (this.#weight <= this.limit || this.#map.size === 1) break;
      this.delete(oldest);
    }
  }

  entries(): IterableIterator<[K, V]> {
    return this.#map.entries();
  }

  delete(key: K): void {
    const value = this.#map.get(key);
    if (value === undefined) return;
    this.#weight -= this.weigh(value, key);
    this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
    this.#weight = 0;
    this.#newest = undefined;
  }
}
