import { insert, type Insertion } from './insertion';
import type { RestrictionSite } from './restriction-site';

/** Restrictions for one block of a statement: each is SQL, in parentheses where it needs them. */
export interface BlockRestriction {
  readonly site: RestrictionSite;
  readonly restrictions: readonly string[];
}

/**
 * What has to be put into a statement's text (rule S9), in order: the client's text is kept byte for byte, the old condition
 * stands in parentheses, and each restriction is one more conjunct.
 */
export function insertionsFor(blocks: readonly BlockRestriction[]): readonly Insertion[] {
  const insertions = blocks.flatMap(({ site, restrictions }): readonly Insertion[] =>
    site.open === undefined
      ? [{ at: site.close, text: ` WHERE ${restrictions.join(' AND ')}` }]
      : [
          { at: site.open, text: ' (' },
          { at: site.close, text: `) AND ${restrictions.join(' AND ')}` },
        ],
  );
  // A block inside another's WHERE may end at the same byte: the inner one's text, listed later, comes first.
  return insertions
    .map((insertion, order) => ({ insertion, order }))
    .sort((a, b) => a.insertion.at - b.insertion.at || b.order - a.order)
    .map(({ insertion }) => insertion);
}

/** The statement's text with the restrictions in it. */
export function splice(text: string, blocks: readonly BlockRestriction[]): string {
  return insert(text, insertionsFor(blocks));
}
