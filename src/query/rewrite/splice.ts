import type { RestrictionSite } from './restriction-site';

/** Restrictions for one block of a statement: each is SQL, in parentheses where it needs them. */
export interface BlockRestriction {
  readonly site: RestrictionSite;
  readonly restrictions: readonly string[];
}

/**
 * Puts restrictions into a statement's text (rule S9): the client's text is kept byte for byte, the old condition stands in
 * parentheses, and each restriction is one more conjunct.
 */
export function splice(text: string, blocks: readonly BlockRestriction[]): string {
  const insertions = blocks.flatMap(({ site, restrictions }) =>
    site.open === undefined
      ? [{ at: site.close, text: ` WHERE ${restrictions.join(' AND ')}` }]
      : [
          { at: site.open, text: ' (' },
          { at: site.close, text: `) AND ${restrictions.join(' AND ')}` },
        ],
  );
  // A block inside another's WHERE may end at the same byte: the inner one's text, listed later, comes first.
  const ordered = insertions
    .map((insertion, order) => ({ ...insertion, order }))
    .sort((a, b) => a.at - b.at || b.order - a.order);
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  let from = 0;
  for (const insertion of ordered) {
    parts.push(bytes.subarray(from, insertion.at), Buffer.from(insertion.text));
    from = insertion.at;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts).toString();
}
