import { PgError, SqlState } from '../../errors/pg-error';

/** A token of a command. Names in quotes are told from words, for no word of a command stands in quotes. */
export interface CommandToken {
  readonly kind: 'word' | 'name' | 'string' | 'symbol';
  /** Without quotes. */
  readonly text: string;
  /** Of the token in the whole text. */
  readonly start: number;
  readonly end: number;
}

/** One of the commands of a text. */
export interface CommandText {
  readonly tokens: readonly CommandToken[];
  /** From the first token to the last. */
  readonly text: string;
}

const space = /\s+/y;
const word = /[\p{L}\p{N}_][\p{L}\p{N}_$]*/uy;
const dollarTag = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;

/**
 * Cuts a text into commands at semicolons, and those into tokens, by PostgreSQL's rules of quotes and comments. Commands that are empty
 * are left out. Takes time in proportion to the text. Throws PgError 42601 for a quote or comment that does not end.
 */
export function splitCommands(text: string): readonly CommandText[] {
  const commands: CommandText[] = [];
  let tokens: CommandToken[] = [];
  const end = (): void => {
    const [first, last] = [tokens[0], tokens.at(-1)];
    if (first !== undefined && last !== undefined)
      commands.push({ tokens, text: text.slice(first.start, last.end) });
    tokens = [];
  };
  for (let at = 0; at < text.length;) {
    const blank = skip(text, at);
    if (blank > at) {
      at = blank;
      continue;
    }
    const token = tokenAt(text, at);
    if (token.kind === 'symbol' && token.text === ';') end();
    else tokens.push(token);
    at = token.end;
  }
  end();
  return commands;
}

/** Where white space or a comment that begins at `at` ends. */
function skip(text: string, at: number): number {
  if (text.startsWith('--', at)) {
    const end = text.indexOf('\n', at);
    return end === -1 ? text.length : end + 1;
  }
  if (text.startsWith('/*', at)) return commentEnd(text, at);
  return at + (match(space, text, at)?.length ?? 0);
}

/** Comments nest. */
function commentEnd(text: string, start: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  let depth = 0;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  throw unterminated('/* comment');
}

function tokenAt(text: string, at: number): CommandToken {
  const first = text.charAt(at);
  if (first === "'") return quoted(text, at, at, 'string', false);
  if (/e/i.test(first) && text.charAt(at + 1) === "'") return quoted(text, at, at + 1, 'string', true);
  if (first === '"') return quoted(text, at, at, 'name', false);
  const tag = first === '$' ? match(dollarTag, text, at) : undefined;
  if (tag !== undefined) {
    const from = at + tag.length;
    const to = text.indexOf(tag, from);
    if (to === -1) throw unterminated('dollar-quoted string');
    return { kind: 'string', text: text.slice(from, to), start: at, end: to + tag.length };
  }
  const found = match(word, text, at);
  const kind = found === undefined ? 'symbol' : 'word';
  const own = found ?? String.fromCodePoint(text.codePointAt(at) ?? 0);
  return { kind, text: own, start: at, end: at + own.length };
}

/** @param open where the quote is */
function quoted(
  text: string,
  start: number,
  open: number,
  kind: 'string' | 'name',
  hasEscapes: boolean,
): CommandToken {
  const quote = text.charAt(open);
  const parts: string[] = [];
  let from = open + 1;
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if (hasEscapes && character === '\\') {
      at++;
    } else if (character === quote) {
      parts.push(text.slice(from, at));
      if (text.charAt(at + 1) !== quote) return { kind, text: parts.join(quote), start, end: at + 1 };
      at++;
      from = at + 1;
    }
  }
  throw unterminated(kind === 'string' ? 'quoted string' : 'quoted identifier');
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function unterminated(what: string): PgError {
  return new PgError(SqlState.SyntaxError, `unterminated ${what}`);
}
