import { loadParser, parseStatements } from '../query/ast/parser';
import { scanTokens, type Token } from '../query/ast/scan';
import { isSameTree } from '../query/rewrite/same-tree';
import { withoutComments } from '../query/rewrite/restriction-site';
import { parseTrouble } from './parse-trouble';

/**
 * A query without comments, with single blanks, and without a semicolon at its end: the same to PostgreSQL, which is checked. A text that
 * is no SQL comes back as it is.
 */
export async function cleanQuery(query: string): Promise<string> {
  await loadParser();
  if (parseTrouble(query) !== undefined) return query;
  const tokens = withoutComments(scanTokens(query));
  while (tokens.at(-1)?.text === ';') (tokens as Token[]).pop();
  const cleaned = joined(tokens, Buffer.from(query));
  if (parseTrouble(cleaned) !== undefined) return query;
  return isSameTree(parseStatements(cleaned), parseStatements(query), new Map()) ? cleaned : query;
}

/** What stands together stays together. Two literals on two lines are one: that line break means something. */
function joined(tokens: readonly Token[], bytes: Buffer): string {
  return tokens
    .map(({ start, end, tokenName }, i) => {
      const next = tokens[i + 1];
      const own = bytes.toString('utf8', start, end);
      if (next === undefined || next.start === end) return own;
      return own + (tokenName === 'SCONST' && next.tokenName === 'SCONST' ? '\n' : ' ');
    })
    .join('');
}
