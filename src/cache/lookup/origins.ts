import type { EntryOrigin } from '../cache-backend';

/** The origins there are: one for each set of tables that fragments are about, while the tracking is the same. Kept for good. */
export class Origins {
  readonly #numbers = new Map<string, number>();
  readonly #byNumber: EntryOrigin[] = [];

  at(number: number): EntryOrigin | undefined {
    return this.#byNumber[number];
  }

  numberOf(origin: EntryOrigin): number {
    const { epoch, server, sources, reads } = origin;
    const name = `${sources.join()} ${reads.join()} ${JSON.stringify([epoch, server])}`;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#byNumber.push(origin) - 1;
    this.#numbers.set(name, number);
    return number;
  }
}
