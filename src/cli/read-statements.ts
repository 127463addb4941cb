import { readFileSync } from 'node:fs';
import { loadParser, parseStatements, UnparsedTextError } from '../query/ast/parser';
import { fileTrouble } from './manage/file-trouble';
import { UsageError } from './usage-error';

/**
 * The statements a command is given, as text or in a file (`-`: standard input), each by itself and without what stands between them. Throws
 * UsageError: for a text that cannot be parsed, with the place marked.
 */
export async function readStatements(
  query: string | undefined,
  file: string | undefined,
): Promise<readonly string[]> {
  if ((query === undefined) === (file === undefined))
    throw new UsageError(
      query === undefined
        ? 'no statement: give --query or --query-file'
        : 'give --query or --query-file, not both',
    );
  const text = query ?? readText(file ?? '');
  if (text.includes('\0')) throw new UsageError('a statement cannot contain a null character');
  await loadParser();
  const statements = splitStatements(text);
  if (statements.length === 0) throw new UsageError('there is no statement in it');
  return statements;
}

/** The statements of a text, which the parser has to be loaded for. Throws UsageError. */
export function splitStatements(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  return parsed(text).map(({ stmt_location: from = 0, stmt_len: length = 0 }) =>
    bytes
      .subarray(from, length === 0 ? undefined : from + length)
      .toString('utf8')
      .trim(),
  );
}

function parsed(text: string): ReturnType<typeof parseStatements> {
  try {
    return parseStatements(text);
  } catch (error) {
    if (error instanceof UnparsedTextError || !(error instanceof Error)) throw error;
    throw new UsageError(syntaxError(text, error));
  }
}

/** What takes two places of a terminal. */
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/gu;

/** PostgreSQL's message, the line that is wrong, and below it a mark at the place, as psql shows it. */
function syntaxError(text: string, error: Error): string {
  const { cursorPosition } =
    (error as { readonly sqlDetails?: { readonly cursorPosition?: number } }).sqlDetails ?? {};
  if (cursorPosition === undefined || cursorPosition < 0) return error.message;
  // Characters as PostgreSQL counts them: code points.
  const before = Array.from(text).slice(0, cursorPosition).join('');
  const number = before.split('\n').length;
  const line = text.split('\n')[number - 1] ?? '';
  const prefix = `LINE ${number}: `;
  const indent = (before.split('\n').at(-1) ?? '')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(wide, '  ')
    .replaceAll(/[^\t ]/gu, ' ');
  return `${error.message}\n${prefix}${line.trimEnd()}\n${' '.repeat(prefix.length)}${indent}^`;
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    return fileTrouble('read')(error);
  }
}

/** `NAME=VALUE` of --set-session. Throws UsageError. */
export function parseSetting(assignment: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
  if (name === undefined || value === undefined)
    throw new UsageError(`--set-session ${assignment}: expected NAME=VALUE`);
  return [name.trim(), value];
}
