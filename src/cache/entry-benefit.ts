import type { FragmentHash } from '../query/fragment/fragment';

/** What an entry has been good for since its fragment was first stored; entries that replace it go on counting. Beside what it cost: `computeMs`, `bytes`. */
export interface EntryBenefit {
  /** Statements that were restricted by it. */
  readonly uses: number;
  /**
   * By how much less time they took than the same statements had taken unrestricted, in milliseconds: an estimate, shared among the entries a
   * statement used. Statements that were never seen unrestricted add nothing; those that became slower take away.
   */
  readonly savedMs: number;
}

/** Uses of an entry, as they are told to a backend. */
export interface EntryUse extends EntryBenefit {
  readonly hash: FragmentHash;
  /** The last one, in milliseconds since 1970-01-01 UTC. */
  readonly at: number;
}

export const noBenefit: EntryBenefit = { uses: 0, savedMs: 0 };

export function addBenefit(a: EntryBenefit, b: EntryBenefit): EntryBenefit {
  return { uses: a.uses + b.uses, savedMs: a.savedMs + b.savedMs };
}

/** What of `all` is not in `part`; never less than no use. */
export function withoutBenefit(all: EntryBenefit, part: EntryBenefit): EntryBenefit {
  return { uses: Math.max(0, all.uses - part.uses), savedMs: all.savedMs - part.savedMs };
}

/** A description with its benefit, which is left out where there is none. */
export function withBenefit<T extends object>(
  description: T,
  { uses, savedMs }: EntryBenefit,
): T & { readonly benefit?: EntryBenefit } {
  return uses === 0 && savedMs === 0 ? description : { ...description, benefit: { uses, savedMs } };
}
