import type { Expression } from '../expression';

/** LIKE and the regular expressions raise only for a malformed pattern, so a constant pattern raises while planning or never. */
export const patternOperators: ReadonlySet<string> = new Set([
  '~~',
  '!~~',
  '~~*',
  '!~~*',
  '~',
  '!~',
  '~*',
  '!~*',
]);

const likeEscape = /^(?:"pg_catalog"\.)?"like_escape"\('((?:[^']|'')*)', '((?:[^']|'')?)'\)$/u;

/**
 * A malformed regular expression raises while planning. A LIKE pattern that ends with its escape character does not before
 * a text has matched up to there, so only those that cannot end so are known not to raise.
 */
export function isWellFormedPattern(operator: string, pattern: Expression): boolean {
  if (!operator.includes('~~')) return pattern.isConstant;
  const text = pattern.unknownLiteral ?? pattern.literalText;
  if (text !== undefined) return !endsInEscape(text, '\\');
  if (!pattern.isConstant) return false;
  // LIKE '…' ESCAPE '#' calls like_escape, which writes another pattern with the same end.
  const [, escaped, escape] = likeEscape.exec(pattern.template) ?? [];
  if (escaped !== undefined && escape !== undefined)
    return escape === '' || !endsInEscape(escaped.replaceAll("''", "'"), escape.replaceAll("''", "'"));
  // No constant without a backslash, and no operator, makes one of its own; any other function may.
  return !/\\|"\(/.test(pattern.template);
}

/** Whether the text ends in an escape character that escapes nothing: in an odd number of them. */
function endsInEscape(text: string, escape: string): boolean {
  let count = 0;
  while (count < text.length && text.charAt(text.length - 1 - count) === escape) count++;
  return count % 2 === 1;
}
