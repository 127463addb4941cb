import type { Node, RawStmt } from '@pgsql/types';
import { parseStatements } from '../ast/parser';
import { scanTokens, type Token } from '../ast/scan';
import { withoutComments } from '../rewrite/restriction-site';
import { wordOf } from '../rewrite/token-word';

/** `EXPLAIN (PCACHE …) <statement>`, one of the statements of a text. */
export interface ExplainedStatement {
  /** Its place among the statements of the text, from 0. */
  readonly index: number;
  /** The text before it. */
  readonly before: string;
  /** The statement that is explained, by itself. */
  readonly inner: string;
  /** `EXPLAIN` with the options that are the server's, to be put before another form of the statement. */
  readonly explain: string;
  readonly isAnalyzed: boolean;
  readonly isVerbose: boolean;
  readonly format: ExplainFormat;
}

export type ExplainFormat = 'text' | 'json';

/** A text in which the option is mentioned. */
export interface ExplainText {
  /** The text with blanks in place of the option, each byte of the rest where it was: what the server is to get. */
  readonly text: string;
  /** The places of the blanks, as byte offsets, [from, to), ascending. */
  readonly blanks: readonly (readonly [number, number])[];
  /** Whether there is one statement in the text only. */
  readonly isSingle: boolean;
  /** Those that ask for an explanation; none if they only say `PCACHE off`. */
  readonly explained: readonly ExplainedStatement[];
}

/**
 * Finds the option PCACHE in a text's EXPLAINs, by the rules of PostgreSQL for its own options: folded to lower case unless quoted,
 * `PCACHE`, `PCACHE true`, `on` and `1` alike, the last of several counts.
 *
 * @returns undefined for a text without it, and for one that is the server's to refuse: it cannot be parsed, or the option has a
 *   value that is none, or stands beside a format we do not write
 */
export function readExplainText(text: string): ExplainText | undefined {
  if (!/pcache/i.test(text) || !/\bexplain\b/i.test(text)) return undefined;
  const trees = tryParse(text);
  if (trees === undefined || !trees.some(({ stmt }) => optionsOf(stmt).some(isOurs))) return undefined;
  const tokens = withoutComments(scanTokens(text));
  const readings = trees.map((tree) => readStatement(text, tokens, tree));
  if (readings.includes('refused')) return undefined;
  const found = readings.flatMap((reading, index) =>
    reading === undefined || reading === 'refused' ? [] : [{ ...reading, index }],
  );
  const blanks = found.flatMap((reading) => reading.blanks);
  const blanked = blank(text, blanks);
  const explained = found.flatMap(({ index, start, end, optionsEnd, isExplained, ...asked }) => {
    if (!isExplained) return [];
    const whole = Buffer.from(blanked);
    return [
      {
        index,
        before: whole.toString('utf8', 0, start),
        inner: whole.toString('utf8', optionsEnd, end).trim(),
        explain: whole.toString('utf8', start, optionsEnd),
        isAnalyzed: asked.isAnalyzed,
        isVerbose: asked.isVerbose,
        format: asked.format,
      },
    ];
  });
  return { text: blanked, blanks, isSingle: trees.length === 1, explained };
}

function tryParse(text: string): readonly RawStmt[] | undefined {
  try {
    return parseStatements(text);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

interface Option {
  readonly name: string;
  /** As written, a string in lower case; undefined if there is none. */
  readonly value: string | undefined;
}

function optionsOf(stmt: Node | undefined): readonly Option[] {
  if (stmt === undefined || !('ExplainStmt' in stmt)) return [];
  return (stmt.ExplainStmt.options ?? []).flatMap((node) => {
    if (!('DefElem' in node)) return [];
    const { defname = '', arg } = node.DefElem;
    return [{ name: defname, value: arg === undefined ? undefined : valueOf(arg) }];
  });
}

function valueOf(arg: Node): string {
  if ('String' in arg) return (arg.String.sval ?? '').toLowerCase();
  if ('Integer' in arg) return String(arg.Integer.ival ?? 0);
  return '?';
}

function isOurs({ name }: Option): boolean {
  return name === 'pcache';
}

/** As defGetBoolean of src/backend/commands/define.c; undefined for what it refuses. */
function truthOf({ value }: Option): boolean | undefined {
  if (value === undefined || ['true', 'on', '1'].includes(value)) return true;
  return ['false', 'off', '0'].includes(value) ? false : undefined;
}

interface StatementReading {
  readonly start: number;
  /** Where the options end, and what is explained begins. */
  readonly optionsEnd: number;
  readonly end: number;
  readonly blanks: readonly (readonly [number, number])[];
  readonly isExplained: boolean;
  readonly isAnalyzed: boolean;
  readonly isVerbose: boolean;
  readonly format: ExplainFormat;
}

/** undefined: it does not have the option. */
function readStatement(
  text: string,
  tokens: readonly Token[],
  { stmt, stmt_location = 0, stmt_len = 0 }: RawStmt,
): StatementReading | 'refused' | undefined {
  const options = optionsOf(stmt);
  if (!options.some(isOurs)) return undefined;
  const end = stmt_len === 0 ? Buffer.byteLength(text) : stmt_location + stmt_len;
  const own = tokens.filter((token) => token.start >= stmt_location && token.end <= end);
  const groups = optionTokens(own);
  const last = (name: string): Option | undefined => options.findLast((option) => option.name === name);
  const isExplained = truthOf(last('pcache') ?? { name: '', value: undefined });
  const isEachBoolean = options.filter(isOurs).every((option) => truthOf(option) !== undefined);
  const format = last('format')?.value ?? 'text';
  if (groups?.options.length !== options.length || isExplained === undefined || !isEachBoolean)
    return 'refused';
  if (format !== 'text' && format !== 'json') return 'refused';
  const isOn = (option: Option | undefined): boolean => option !== undefined && truthOf(option) === true;
  return {
    start: own[0]?.start ?? 0,
    optionsEnd: groups.close.end,
    end,
    blanks: blanksFor(groups, options.map(isOurs)).map((token) => [token.start, token.end] as const),
    isExplained,
    isAnalyzed: isOn(last('analyze')),
    isVerbose: isOn(last('verbose')),
    format,
  };
}

interface OptionTokens {
  readonly open: Token;
  readonly close: Token;
  readonly options: readonly (readonly Token[])[];
  /** One less than the options. */
  readonly commas: readonly Token[];
}

/** The tokens of `(a, b on, c)` behind the word EXPLAIN. Options hold no parentheses. */
function optionTokens(tokens: readonly Token[]): OptionTokens | undefined {
  const [explain, open] = tokens;
  if (explain === undefined || open === undefined || wordOf(explain) !== 'explain' || open.text !== '(')
    return undefined;
  const closeAt = tokens.findIndex(({ text }) => text === ')');
  const close = tokens[closeAt];
  if (close === undefined) return undefined;
  const options: Token[][] = [[]];
  const commas: Token[] = [];
  for (const token of tokens.slice(2, closeAt)) {
    if (token.tokenName === 'ASCII_44') {
      commas.push(token);
      options.push([]);
    } else options.at(-1)?.push(token);
  }
  return { open, close, options, commas };
}

/** What has to go for the others to remain a list: with the last option, the parentheses too. */
function blanksFor(
  { open, close, options, commas }: OptionTokens,
  isOurs: readonly boolean[],
): readonly Token[] {
  const firstKept = isOurs.indexOf(false);
  if (firstKept === -1) return [open, ...options.flat(), ...commas, close].sort((a, b) => a.start - b.start);
  const blanks = options.flatMap((option, i) => {
    if (isOurs[i] !== true) return [];
    const comma = commas[i < firstKept ? i : i - 1];
    return comma === undefined ? option : [...option, comma];
  });
  return blanks.sort((a, b) => a.start - b.start);
}

function blank(text: string, blanks: readonly (readonly [number, number])[]): string {
  const bytes = Buffer.from(text);
  for (const [from, to] of blanks) bytes.fill(' ', from, to);
  return bytes.toString();
}
