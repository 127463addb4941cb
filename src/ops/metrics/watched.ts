/** What is read at each scrape. */
export class Watched<T> {
  readonly #things = new Set<T>();

  get all(): ReadonlySet<T> {
    return this.#things;
  }

  /** Until the answer is disposed of. */
  add(thing: T): AsyncDisposable {
    this.#things.add(thing);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#things.delete(thing);
      },
    };
  }
}
