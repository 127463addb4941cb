/** What a token is, as far as anybody here wants to know. Names as in PostgreSQL's own scanner where it has one. */
export type TokenName =
  'WORD' | 'IDENT' | 'SCONST' | 'ICONST' | 'PARAM' | 'ASCII_44' | 'OTHER' | 'SQL_COMMENT' | 'C_COMMENT';

/** A token of a text. `start` and `end` are byte offsets into its UTF-8 form; comments are tokens too. */
export interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** WORD: a keyword or an identifier without quotes. IDENT: one in quotes. ASCII_44: a comma. */
  readonly tokenName: TokenName;
}

/** What a quote and a backslash mean: two quotes stand for one, but not in `B'…'` and `X'…'`; backslashes escape in `E'…'`. */
type StringKind = 'plain' | 'escapes' | 'bits';

const blank = 1;
const letter = 2;
const digit = 3;
const operatorCharacter = 4;
const single = 5;

/** What a character begins, by its code; everything outside ASCII is a letter. */
const classes = new Uint8Array(128).fill(single);
for (const character of ' \t\n\r\f\v') classes[character.charCodeAt(0)] = blank;
for (const character of '+-*/<>=~!@#%^&|`?') classes[character.charCodeAt(0)] = operatorCharacter;
for (const character of '0123456789') classes[character.charCodeAt(0)] = digit;
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_')
  classes[character.charCodeAt(0)] = letter;

/**
 * The tokens of a text, by the rules of PostgreSQL's scanner (src/backend/parser/scan.l) with standard_conforming_strings on. A
 * property test compares the two. (libpg_query's takes ten times as long, most of it to hand the tokens over.) Never throws:
 * what is not closed is one token up to the end.
 *
 * @param maxTokens no more than so many, from the beginning
 */
export function scanTokens(text: string, maxTokens = Infinity): readonly Token[] {
  return new Scanner(text).tokens(maxTokens);
}

/** A row of operator characters, with no comment in it. Positions are its own, not those of a single operator of it. */
interface OperatorRun {
  readonly end: number;
  /** Where it would end without the signs at its end. */
  readonly unsigned: number;
  /** The last of the characters that let an operator end in a sign; -1 if there is none. */
  readonly special: number;
}

const specialCharacters = '~!@#^&|`?%';

class Scanner {
  #at = 0;
  /** Bytes before `#measured`, less that many characters. */
  #extraBytes = 0;
  #measured = 0;
  readonly #isAscii: boolean;
  #run: OperatorRun = { end: 0, unsigned: 0, special: -1 };

  constructor(private readonly text: string) {
    // eslint-disable-next-line no-control-regex
    this.#isAscii = !/[^\x00-\x7f]/.test(text);
  }

  tokens(maxTokens: number): readonly Token[] {
    const { text } = this;
    const tokens: Token[] = [];
    while (this.#at < text.length && tokens.length < maxTokens) {
      const from = this.#at;
      const tokenName = this.#next();
      if (tokenName === undefined) continue;
      tokens.push({
        start: this.#byteAt(from),
        end: this.#byteAt(this.#at),
        text: text.slice(from, this.#at),
        tokenName,
      });
    }
    return tokens;
  }

  /** Moves behind the next token; undefined for a blank. */
  #next(): TokenName | undefined {
    const code = this.text.charCodeAt(this.#at);
    switch (code < 128 ? classes[code] : letter) {
      case blank:
        this.#at++;
        return undefined;
      case letter:
        return this.#word();
      case digit:
        return this.#number();
      case operatorCharacter:
        return this.#operatorOrComment();
      default:
        return this.#other();
    }
  }

  #word(): TokenName {
    const from = this.#at;
    this.#at++;
    while (isWordPart(this.text.charCodeAt(this.#at))) this.#at++;
    if (this.#at > from + 1) return 'WORD';
    const prefix = this.text.charAt(from).toLowerCase();
    const next = this.text.charAt(this.#at);
    if (prefix === 'u' && next === '&') return this.#unicode();
    if (next !== "'" || !'ebx'.includes(prefix)) return 'WORD';
    return this.#string(prefix === 'e' ? 'escapes' : 'bits');
  }

  /** `U&'…'` and `U&"…"`; otherwise `u` is a word before an operator. */
  #unicode(): TokenName {
    const quote = this.text.charAt(this.#at + 1);
    if (quote !== "'" && quote !== '"') return 'WORD';
    this.#at++;
    return quote === '"' ? this.#quotedIdentifier() : this.#string('plain');
  }

  #number(): TokenName {
    numbers.lastIndex = this.#at;
    const [number = ''] = numbers.exec(this.text) ?? [];
    this.#at += Math.max(1, number.length);
    return 'ICONST';
  }

  /** At the opening quote. A string goes on after a line break and another quote. */
  #string(kind: StringKind): TokenName {
    do {
      this.#at++;
      this.#moveBehindQuote(kind);
      continuation.lastIndex = this.#at;
      const [gap = ''] = continuation.exec(this.text) ?? [];
      this.#at += gap.length;
      if (gap === '') return 'SCONST';
    } while (this.#at < this.text.length);
    return 'SCONST';
  }

  #moveBehindQuote(kind: StringKind): void {
    const { text } = this;
    for (; this.#at < text.length; this.#at++) {
      const character = text.charCodeAt(this.#at);
      if (kind === 'escapes' && character === backslash) this.#at++;
      else if (character === apostrophe) {
        if (kind === 'bits' || text.charCodeAt(this.#at + 1) !== apostrophe) break;
        this.#at++;
      }
    }
    this.#at = Math.min(text.length, this.#at + 1);
  }

  #quotedIdentifier(): TokenName {
    const { text } = this;
    do {
      const close = text.indexOf('"', this.#at + 1);
      this.#at = close === -1 ? text.length : close + 1;
    } while (text.charAt(this.#at) === '"');
    return 'IDENT';
  }

  #operatorOrComment(): TokenName {
    const { text } = this;
    const from = this.#at;
    if (text.startsWith('--', from)) return this.#lineComment();
    if (text.startsWith('/*', from)) return this.#blockComment();
    if (from >= this.#run.end) this.#run = this.#runFrom(from);
    const { end, unsigned, special } = this.#run;
    // `a =-1` has an operator and a sign, `a @-1` has one operator.
    this.#at = special >= from ? end : Math.max(unsigned, from + 1);
    return 'OTHER';
  }

  /** A row of operator characters may be as many operators, each of which ends where the row lets it: it is looked at once. */
  #runFrom(from: number): OperatorRun {
    const { text } = this;
    let [end, unsigned, special] = [from, from, -1];
    while (
      isOperatorCharacter(text.charCodeAt(end)) &&
      !text.startsWith('--', end) &&
      !text.startsWith('/*', end)
    ) {
      const character = text.charAt(end);
      if (specialCharacters.includes(character)) special = end;
      end++;
      if (character !== '+' && character !== '-') unsigned = end;
    }
    return { end, unsigned, special };
  }

  #lineComment(): TokenName {
    lineEnd.lastIndex = this.#at;
    this.#at = lineEnd.exec(this.text)?.index ?? this.text.length;
    return 'SQL_COMMENT';
  }

  /** Comments nest. */
  #blockComment(): TokenName {
    let depth = 0;
    do {
      commentEdge.lastIndex = this.#at;
      const edge = commentEdge.exec(this.text);
      depth += edge?.[0] === '/*' ? 1 : -1;
      this.#at = edge === null ? this.text.length : edge.index + 2;
    } while (depth > 0 && this.#at < this.text.length);
    return 'C_COMMENT';
  }

  #other(): TokenName {
    const { text } = this;
    const character = text.charAt(this.#at);
    switch (character) {
      case "'":
        return this.#string('plain');
      case '"':
        return this.#quotedIdentifier();
      case '$':
        return this.#dollar();
      case '.':
        if (/\d/.test(text.charAt(this.#at + 1))) return this.#number();
        break;
      case ',':
        this.#at++;
        return 'ASCII_44';
    }
    this.#at +=
      text.startsWith('::', this.#at) || text.startsWith(':=', this.#at) || text.startsWith('..', this.#at)
        ? 2
        : 1;
    return 'OTHER';
  }

  /** `$1`, `$$…$$` or `$tag$…$tag$`. */
  #dollar(): TokenName {
    dollars.lastIndex = this.#at;
    const [match = '$', tag] = dollars.exec(this.text) ?? [];
    this.#at += match.length;
    if (tag === undefined) return match.length > 1 ? 'PARAM' : 'OTHER';
    const close = this.text.indexOf(tag, this.#at);
    this.#at = close === -1 ? this.text.length : close + tag.length;
    return 'SCONST';
  }

  /** The byte offset of a character; offsets are asked for in ascending order. */
  #byteAt(index: number): number {
    if (this.#isAscii) return index;
    for (; this.#measured < index; this.#measured++) {
      const code = this.text.charCodeAt(this.#measured);
      if (code < 0x80) continue;
      // Each half of a surrogate pair stands for two of its four bytes.
      const isOneOfTwo = code < 0x800 || (code >= 0xd800 && code < 0xe000);
      this.#extraBytes += isOneOfTwo ? 1 : 2;
    }
    return index + this.#extraBytes;
  }
}

const backslash = 0x5c;
const apostrophe = 0x27;
const dollarSign = 0x24;

const numbers =
  /0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*(?:\.(?!\.)(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?/y;
const continuation = /[ \t\f\v]*[\n\r][ \t\f\v\n\r]*(?=')/y;
const lineEnd = /[\n\r]/g;
const commentEdge = /\/\*|\*\//g;
const dollars = /(\$(?:[a-zA-Z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|\$\d*/y;

/** Of a character's code, or NaN. */
export function isOperatorCharacter(code: number): boolean {
  return classes[code] === operatorCharacter;
}

function isWordPart(code: number): boolean {
  if (code >= 128) return true;
  const kind = classes[code];
  return kind === letter || kind === digit || code === dollarSign;
}
