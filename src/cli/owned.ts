/** Things that are to be closed together, the youngest first, each even if another one fails to. */
export class Owned implements AsyncDisposable {
  readonly #things: AsyncDisposable[] = [];

  /** Has several things opened, and if that rejects, closes what has been by then; otherwise whoever opened them closes them. */
  static async open<T>(open: (owned: Owned) => Promise<T>): Promise<T> {
    const owned = new Owned();
    try {
      return await open(owned);
    } catch (error) {
      await owned[Symbol.asyncDispose]();
      throw error;
    }
  }

  add<T extends AsyncDisposable>(thing: T): T {
    this.#things.push(thing);
    return thing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (let thing = this.#things.pop(); thing !== undefined; thing = this.#things.pop()) {
      try {
        await thing[Symbol.asyncDispose]();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be closed');
  }
}
