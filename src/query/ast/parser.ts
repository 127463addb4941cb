import { fingerprintSync, loadModule, parseSync, scanSync, type ScanToken } from 'libpg-query';
import type { RawStmt } from '@pgsql/types';

/** A token of PostgreSQL's own scanner. `start` and `end` are byte offsets into the UTF-8 text; comments are tokens too. */
export type Token = ScanToken;

/** Loads PostgreSQL's parser (WebAssembly). Must be awaited once before anything else here is called. */
export async function loadParser(): Promise<void> {
  await loadModule();
}

/** The statements of a text, as PostgreSQL parses them. Throws libpg-query's SqlError on a syntax error. */
export function parseStatements(text: string): readonly RawStmt[] {
  return parseSync(text).stmts ?? [];
}

/** The tokens of a text. Throws libpg-query's SqlError on a lexical error. */
export function scanTokens(text: string): readonly Token[] {
  return scanSync(text).tokens;
}

/** libpg_query's fingerprint of a text: equal for statements that differ in constants only. For metrics and measurements, never identity. */
export function fingerprint(text: string): string {
  return fingerprintSync(text);
}
