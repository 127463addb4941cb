import type { Token } from '../ast/scan';
import { wordOf } from './token-word';

/** Where a restriction goes into a block's text, as byte offsets. */
export interface RestrictionSite {
  /** After the word WHERE, where the parenthesis around the old condition opens; undefined if there is no WHERE. */
  readonly open: number | undefined;
  /** After the last token of the WHERE clause, or of the FROM clause if there is no WHERE. */
  readonly close: number;
}

/** Words that end the WHERE (or FROM) clause of a block, at the block's own depth of parentheses. */
const clauseEnds: ReadonlySet<string> = new Set([
  'group', 'having', 'window', 'order', 'limit', 'offset', 'fetch', 'for', 'union', 'intersect', 'except',
]); // prettier-ignore

/** After these a reserved word is only a name: `AS order`, `t.limit`, `WITHIN GROUP`. */
const nameFollows: ReadonlySet<string> = new Set(['as', '.', 'within']);

/** Comments are no place to insert at: what follows `--` would be part of the comment. */
export function withoutComments(tokens: readonly Token[]): readonly Token[] {
  return tokens.filter(({ tokenName }) => tokenName !== 'SQL_COMMENT' && tokenName !== 'C_COMMENT');
}

/**
 * Finds the clauses of the block that a byte offset lies in, before its WHERE; undefined if the text is not of the expected
 * form. A wrong answer here would be found by the re-parse that every rewritten text goes through (rule S9).
 *
 * @param tokens of the statement's bare query, without comments
 */
export function restrictionSite(tokens: readonly Token[], location: number): RestrictionSite | undefined {
  const start = selectBefore(tokens, location);
  if (start === undefined) return undefined;
  let depth = 0;
  let open: number | undefined;
  let last: Token | undefined;
  let previous = '';
  for (const token of tokens.slice(start + 1)) {
    const word = wordOf(token);
    if (depth === 0 && (word === ')' || word === ';' || (clauseEnds.has(word) && !nameFollows.has(previous))))
      break;
    if (depth === 0 && word === 'where' && !nameFollows.has(previous)) open = token.end;
    if (word === '(' || word === '[') depth++;
    if (word === ')' || word === ']') depth--;
    previous = word;
    last = token;
  }
  return last === undefined ? undefined : { open, close: last.end };
}

/** Index of the block's SELECT: the nearest one before the location that is not inside parentheses of DISTINCT ON. */
function selectBefore(tokens: readonly Token[], location: number): number | undefined {
  let depth = 0;
  for (let i = tokens.findIndex(({ start }) => start === location) - 1; i >= 0; i--) {
    const token = tokens[i];
    const word = token === undefined ? '' : wordOf(token);
    if (depth === 0 && word === 'select') return i;
    if (word === ')') depth++;
    if (word === '(' && --depth < 0) return undefined;
  }
  return undefined;
}
