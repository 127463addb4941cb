import type { Token } from '../ast/scan';

/** A keyword in lower case, or punctuation; nothing that could be mistaken for one for names and constants. */
export function wordOf(token: Token): string {
  if (token.tokenName === 'WORD') return token.text.toLowerCase();
  return token.text.length === 1 && !/[a-z_]/i.test(token.text) ? token.text : '';
}
