import { loadModule, parseSync } from 'libpg-query';
import type { RawStmt } from '@pgsql/types';
import { isOperatorCharacter, scanTokens, type Token, type TokenName } from './scan';

/**
 * Loads PostgreSQL's parser (WebAssembly). Must be awaited once before anything else here is called.
 *
 * It is compiled when it is first run, which takes a tenth of a second: not when the first client waits for it.
 */
export async function loadParser(): Promise<void> {
  await loadModule();
  parseSync('SELECT a.b FROM c AS a JOIN d ON a.e = d.e WHERE f IN (1, 2) AND g LIKE $1 ORDER BY h');
}

/** Longer texts are not looked into: a syntax tree takes a hundred times the memory of its text. */
const maxCharacters = 128 * 1024;
/** A text of fewer bytes hardly holds enough tokens to be too many; see `mayBeTooMuch`. */
const maxUncountedBytes = 4_096;
/** Parsing and analysing take some microseconds for each: an IN list of 2,500 numbers, less than 10 ms. */
const maxTokens = 5_000;
/**
 * Tokens that may each open another level of the tree, `a + a + a`: libpg-query writes the tree out recursively, on a stack
 * that holds some 8,000 levels. Constants and commas, of which an IN list has thousands, open none. They are also what takes most of
 * the time: a chain of 600 ANDs took 20 ms to look into, 100 ms the first time.
 */
const maxDeepeningTokens = 1_500;
/** Each condition around a sub-select is read with all that is in it: 100 levels took a second. */
const maxNestedSelects = 16;
/**
 * PostgreSQL's scanner reads all that looks like an operator behind each beginning of a comment, or of a sign in a row of signs, and
 * then begins anew one or two characters on: 30,000 comments, each in the one before, took six seconds (2026-11-28, loaded machine).
 */
const maxCommentStarts = 100;

/** The text was not given to the parser, or the parser must not be used any more: nothing is known of the text. */
export class UnparsedTextError extends Error {
  override readonly name = 'UnparsedTextError';
}

/**
 * Set when the parser was left by an exception of the WebAssembly machine. Its stack pointer stays where it was, and after
 * a few times (28, tried with statements of 20,000 operators) other texts are read wrongly: the first time is the last.
 */
let isBroken = false;
const machineErrors: ReadonlySet<string> = new Set(['RangeError', 'RuntimeError']);

/**
 * The statements of a client's text, as PostgreSQL parses them. Throws libpg-query's SqlError on a syntax error, and
 * UnparsedTextError for a text that would take too long, or is too deep.
 */
export function parseStatements(text: string): readonly RawStmt[] {
  if (text.length > maxCharacters) throw new UnparsedTextError('the text is too long to be looked into');
  if (mayBeTooMuch(text)) {
    const tokens = scanTokens(text, maxTokens + 1);
    if (tokens.length > maxTokens)
      throw new UnparsedTextError('the text has too many words to be looked into');
    if (tokens.filter(({ tokenName }) => !levelTokens.has(tokenName)).length > maxDeepeningTokens)
      throw new UnparsedTextError('the text is too deep to be looked into');
    const comments = tokens.filter(({ tokenName }) => tokenName === 'C_COMMENT');
    if (
      hasOperatorRow(tooManyOperators, text) ||
      beginsManyComments(comments.map((comment) => comment.text).join(' '))
    )
      throw new UnparsedTextError('the text has too many comments, or operators in a row, to be looked into');
    if (depthOfSelects(tokens) > maxNestedSelects)
      throw new UnparsedTextError('sub-selects are nested too deeply to be looked into');
  }
  return parseOwnText(text);
}

/** Told at a glance, for most texts are short and plain. */
function mayBeTooMuch(text: string): boolean {
  return (
    text.length > maxUncountedBytes ||
    hasMoreThan(maxNestedSelects, '(', text) ||
    hasOperatorRow(manyOperators, text) ||
    beginsManyComments(text)
  );
}

/** Only operators are as short as that: of anything else a text that is not counted holds fewer tokens than are too many. */
const manyOperators = 64;
const tooManyOperators = 1_000;

/** Whether so many operator characters stand in a row. Not by a regular expression, which would begin anew within each row. */
function hasOperatorRow(length: number, text: string): boolean {
  const isOperator = (at: number): boolean => isOperatorCharacter(text.charCodeAt(at));
  // A row that is long enough has one of these characters in it.
  for (let at = length - 1; at < text.length; at += length) {
    if (!isOperator(at)) continue;
    let [from, to] = [at, at];
    while (isOperator(from - 1)) from--;
    while (isOperator(to)) to++;
    if (to - from >= length) return true;
    at = to;
  }
  return false;
}

function beginsManyComments(text: string): boolean {
  return hasMoreThan(maxCommentStarts, '/*', text);
}

function hasMoreThan(count: number, part: string, text: string): boolean {
  let found = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1))
    if (++found > count) return true;
  return false;
}

/** The greatest number of open parentheses that have a SELECT in them, each in the one before. */
function depthOfSelects(tokens: readonly Token[]): number {
  const open: boolean[] = [];
  let depth = 0;
  let deepest = 0;
  for (const { tokenName, text } of tokens) {
    if (text === '(') open.push(false);
    else if (text === ')') depth -= open.pop() === true ? 1 : 0;
    else if (tokenName === 'WORD' && open.at(-1) === false && /^select$/i.test(text)) {
      open[open.length - 1] = true;
      deepest = Math.max(deepest, ++depth);
    }
  }
  return deepest;
}

/** Parses what is made of a text that was looked into, and hardly deeper than it. */
export function parseOwnText(text: string): readonly RawStmt[] {
  return guarded(() => parseSync(text).stmts ?? []);
}

const levelTokens: ReadonlySet<TokenName> = new Set<TokenName>(['ICONST', 'SCONST', 'PARAM', 'ASCII_44']);

function guarded<T>(call: () => T): T {
  if (isBroken) throw new UnparsedTextError('the parser has failed before and is not used any more');
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && machineErrors.has(error.name)) isBroken = true;
    throw error;
  }
}
