import { PgError, SqlState } from '../../errors/pg-error';
import { nearestName } from '../config/nearest-name';
import type { CommandText, CommandToken } from './split-commands';

/** What stands behind the name of a command, read from left to right. */
export class Arguments {
  #at = 0;

  /** @param form how the command is to be written, for those who wrote it otherwise */
  constructor(
    private readonly tokens: readonly CommandToken[],
    readonly form: string,
    readonly command: CommandText,
  ) {}

  get isAtEnd(): boolean {
    return this.#at === this.tokens.length;
  }

  /** Takes a word, whatever its case, if it is the next. */
  takes(wanted: string): boolean {
    const isNext = this.isNext(wanted);
    if (isNext) this.#at++;
    return isNext;
  }

  isNext(wanted: string): boolean {
    const token = this.tokens[this.#at];
    return token?.kind === 'word' && token.text.toUpperCase() === wanted;
  }

  /** Takes words and symbols, if they are the next; otherwise none of them. */
  takesAll(wanted: readonly string[]): boolean {
    const next = this.tokens.slice(this.#at, this.#at + wanted.length);
    const areNext = wanted.every((text, i) => next[i]?.text.toLowerCase() === text);
    if (areNext) this.#at += wanted.length;
    return areNext;
  }

  takesSymbol(...wanted: readonly string[]): boolean {
    const token = this.tokens[this.#at];
    const isNext = token?.kind === 'symbol' && wanted.includes(token.text);
    if (isNext) this.#at++;
    return isNext;
  }

  /** A name, folded to lower case unless it is in quotes; or a string. */
  name(what: string): string {
    const token = this.#next(what);
    if (token.kind === 'symbol') throw this.wrong(`expected ${what} instead of "${token.text}"`);
    return token.kind === 'word' ? token.text.toLowerCase() : token.text;
  }

  /** A name with others before it, each folded, or in quotes: `a."B".c`, which becomes `a.B.c`. */
  dottedName(what: string): string {
    const parts = [this.name(what)];
    while (this.takesSymbol('.')) parts.push(this.name(what));
    return parts.join('.');
  }

  /** One of some words, in quotes or not, whatever its case; throws with the one that was meant, if it can be guessed. */
  choice<Choice extends string>(what: string, choices: readonly Choice[]): Choice {
    const written = this.name(what).toLowerCase();
    const found = choices.find((choice) => choice === written);
    if (found !== undefined) return found;
    const nearest = nearestName(written, choices);
    const meant = nearest === undefined ? '' : `; did you mean ${nearest.toUpperCase()}?`;
    throw this.wrong(`there is no ${what} "${written}"${meant}`);
  }

  count(what: string, max: number): number {
    const { text } = this.#next(what);
    const number = Number(text);
    if (!/^\d{1,10}$/.test(text) || number < 1 || number > max)
      throw this.wrong(`expected ${what} from 1 to ${max} instead of "${text}"`);
    return number;
  }

  /** All that follows, as it was written. */
  rest(): string {
    const [next, last] = [this.tokens[this.#at], this.tokens.at(-1)];
    const offset = this.command.tokens[0]?.start ?? 0;
    this.#at = this.tokens.length;
    return next === undefined || last === undefined
      ? ''
      : this.command.text.slice(next.start - offset, last.end - offset);
  }

  /** Nothing may follow. */
  finish(): void {
    const token = this.tokens[this.#at];
    if (token !== undefined) throw this.wrong(`"${token.text}" is too much`);
  }

  wrong(message: string): PgError {
    return new PgError(SqlState.SyntaxError, message, { hint: `The form is: ${this.form}` });
  }

  #next(what: string): CommandToken {
    const token = this.tokens[this.#at++];
    if (token === undefined) throw this.wrong(`${what} is missing`);
    if (token.text === '$')
      throw new PgError(SqlState.FeatureNotSupported, 'commands of the console take no parameters', {
        hint: 'Write the value into the command.',
      });
    return token;
  }
}
