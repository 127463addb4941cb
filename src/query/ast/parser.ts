import { loadModule, parseSync } from 'libpg-query';
import type { RawStmt } from '@pgsql/types';
import { scanTokens, type TokenName } from './scan';

/** Loads PostgreSQL's parser (WebAssembly). Must be awaited once before anything else here is called. */
export async function loadParser(): Promise<void> {
  await loadModule();
}

/** A text of fewer bytes cannot hold enough tokens to be too deep. */
const maxUncountedBytes = 4_096;
/**
 * Tokens that may each open another level of the tree, `a + a + a`: libpg-query writes the tree out recursively, on a stack
 * that holds some 8,000 levels. Constants and commas, of which an IN list has thousands, open none.
 */
const maxDeepeningTokens = 2_500;

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
 * The statements of a text, as PostgreSQL parses them. Throws libpg-query's SqlError on a syntax error, and
 * UnparsedTextError for a text that is too deep for it.
 */
export function parseStatements(text: string): readonly RawStmt[] {
  if (text.length > maxUncountedBytes && countDeepeningTokens(text) > maxDeepeningTokens)
    throw new UnparsedTextError('the statement is too deep to be looked into');
  return guarded(() => parseSync(text).stmts ?? []);
}

const levelTokens: ReadonlySet<TokenName> = new Set<TokenName>(['ICONST', 'SCONST', 'PARAM', 'ASCII_44']);

function countDeepeningTokens(text: string): number {
  return scanTokens(text).filter(({ tokenName }) => !levelTokens.has(tokenName)).length;
}

function guarded<T>(call: () => T): T {
  if (isBroken) throw new UnparsedTextError('the parser has failed before and is not used any more');
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && machineErrors.has(error.name)) isBroken = true;
    throw error;
  }
}
