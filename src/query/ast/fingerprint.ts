import { hash } from 'node:crypto';
import { scanTokens, type Token } from './scan';

const constants: ReadonlySet<string> = new Set(['ICONST', 'SCONST', 'PARAM']);

/**
 * What statements have in common that differ in constants, the length of lists of constants, comments and white space only.
 * For metrics and measurements, never identity.
 *
 * (libpg_query has one of its own. It takes exponentially long, and more stack than there is, for sub-selects nested in
 * conditions: a statement of 944 bytes with three levels of them was enough.)
 *
 * @param statement its text, or its tokens if they are at hand
 */
export function fingerprint(statement: string | readonly Token[]): string {
  const tokens = typeof statement === 'string' ? scanTokens(statement) : statement;
  const words: string[] = [];
  for (const token of tokens) {
    if (token.tokenName === 'SQL_COMMENT' || token.tokenName === 'C_COMMENT') continue;
    const word = constants.has(token.tokenName)
      ? '?'
      : token.tokenName === 'WORD'
        ? lowerCase(token.text)
        : token.text;
    const isNextOfList = word === '?' && words.at(-1) === ',' && words.at(-2) === '?';
    if (isNextOfList) words.pop();
    else words.push(word);
  }
  return hash('sha256', words.join('\0')).slice(0, 16);
}

const capitals = /[A-Z]+/g;

/** Of ASCII letters only, as PostgreSQL has it for words without quotes. Most are in lower case as they are. */
function lowerCase(word: string): string {
  return word.search(capitals) === -1 ? word : word.replace(capitals, (letters) => letters.toLowerCase());
}
