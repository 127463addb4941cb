import type { Digest } from './digest';

/** How the conjuncts of a path are laid over the slots of a fragment. Many entries have the same. */
export interface Arrangement {
  /** The fragment's conjuncts in its own order: which one of the path, and the slots it is about. */
  readonly conjuncts: readonly { readonly step: number; readonly slots: readonly number[] }[];
  /** Tables that no conjunct is about, such as the partition-join table, by their digests. */
  readonly freeTables: readonly { readonly slot: number; readonly digest: Digest }[];
  readonly slotCount: number;
}

/** The arrangements there are, by number. There are as many as ways in which queries are written, and they are kept for good. */
export class Arrangements {
  readonly #numbers = new Map<string, number>();
  readonly #byNumber: Arrangement[] = [];

  at(number: number): Arrangement | undefined {
    return this.#byNumber[number];
  }

  numberOf(arrangement: Arrangement): number {
    const name = nameOf(arrangement);
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#byNumber.push(arrangement) - 1;
    this.#numbers.set(name, number);
    return number;
  }
}

function nameOf({ conjuncts, freeTables, slotCount }: Arrangement): string {
  let name = String(slotCount);
  for (const { step, slots } of conjuncts) name += ` ${step}:${slots.join()}`;
  for (const { slot, digest } of freeTables) name += ` ${slot}=${digest}`;
  return name;
}
