import type { Token } from './scan';

const constants: ReadonlySet<string> = new Set(['ICONST', 'SCONST', 'PARAM']);
const cutMark = '…';
/** As pg_stat_statements has it: the text can still be parsed. */
const listMark = ' /*, ... */';

/**
 * A statement's text without its values, to be shown to whoever may know what is asked but not about whom: constants stand as
 * `$n`, numbered behind the statement's own parameters as pg_stat_statements does it, lists of them are cut to the first, comments
 * are left out and white space is one blank.
 *
 * Whether a quote behind a backslash ends a string depends on standard_conforming_strings, which a text does not tell. Where it could
 * have been meant otherwise the text is cut off: what follows may be a value.
 *
 * @param tokens of the text
 * @param maxLength in characters; a longer text ends in `…`
 */
export function redact(tokens: readonly Token[], maxLength: number): string {
  const words: string[] = [];
  /** Whether each of the last two words is a constant, a comma, or something else. */
  const kinds: ('constant' | 'comma' | 'other')[] = [];
  let parameter = highestParameter(tokens);
  let length = 0;
  let end = 0;
  for (const token of tokens) {
    if (token.tokenName === 'SQL_COMMENT' || token.tokenName === 'C_COMMENT') continue;
    const kind = constants.has(token.tokenName) ? 'constant' : token.text === ',' ? 'comma' : 'other';
    if (kind === 'constant' && kinds.at(-1) === 'comma' && kinds.at(-2) === 'constant') {
      kinds.pop();
      length -= words.pop()?.length ?? 0;
      if (words.at(-1) !== listMark) words.push(listMark);
    } else {
      const gap = token.start > end && words.length > 0 ? ' ' : '';
      const isValue = kind === 'constant' && token.tokenName !== 'PARAM';
      words.push(gap + (isValue ? `$${++parameter}` : token.text));
      kinds.push(kind);
      length += words.at(-1)?.length ?? 0;
    }
    end = token.end;
    if (length > maxLength) return cut(words.join(''), maxLength);
    if (mayGoOn(token)) return cut(words.join(''), maxLength);
  }
  return words.join('');
}

function highestParameter(tokens: readonly Token[]): number {
  return tokens.reduce(
    (highest, { tokenName, text }) =>
      tokenName === 'PARAM' ? Math.max(highest, Number(text.slice(1))) : highest,
    0,
  );
}

/** `'a\'`, which is only the beginning of a string where backslashes escape. */
function mayGoOn({ tokenName, text }: Token): boolean {
  return tokenName === 'SCONST' && /^['uU].*\\'$/s.test(text);
}

/** No half of a character that takes two. */
function cut(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '') + cutMark;
}
