import { protocolViolation } from '../../errors/pg-error';

/**
 * Reads a SCRAM message from left to right: `a=value` pairs with commas between them. The text is latin1, one character
 * a byte. What is wrong is said in the words of PostgreSQL's own reader (src/backend/libpq/auth-scram.c).
 */
export class ScramAttributes {
  private at = 0;

  constructor(private readonly text: string) {}

  /** Where the next character is. */
  get position(): number {
    return this.at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character, which stays the next; empty at the end. */
  get next(): string {
    return this.text.charAt(this.at);
  }

  skip(): void {
    this.at++;
  }

  /** The value of the attribute that must come next. */
  value(attribute: string): string {
    if (this.next !== attribute) {
      throw malformed(`Expected attribute "${attribute}" but found "${printableCharacter(this.next)}".`);
    }
    return this.readValue(attribute);
  }

  /** Whatever attribute comes next. */
  any(): { readonly attribute: string; readonly value: string } {
    const attribute = this.next;
    if (attribute === '') throw malformed('Attribute expected, but found end of string.');
    if (!/[A-Za-z]/.test(attribute)) {
      throw malformed(`Attribute expected, but found invalid character "${printableCharacter(attribute)}".`);
    }
    return { attribute, value: this.readValue(attribute) };
  }

  private readValue(attribute: string): string {
    this.at++;
    if (this.next !== '=') throw malformed(`Expected character "=" for attribute "${attribute}".`);
    const start = this.at + 1;
    const comma = this.text.indexOf(',', start);
    const end = comma === -1 ? this.text.length : comma;
    this.at = comma === -1 ? end : end + 1;
    return this.text.slice(start, end);
  }
}

export function malformed(detail: string): Error {
  return protocolViolation('malformed SCRAM message', detail);
}

/** How the server quotes a character that a stranger sent. */
export function printableCharacter(character: string): string {
  const code = character === '' ? 0 : character.charCodeAt(0);
  return code >= 0x21 && code <= 0x7e ? `'${character}'` : `0x${code.toString(16).padStart(2, '0')}`;
}

const maxQuotedBytes = 30;

/** The same for a text. */
export function printableText(text: string): string {
  return text.slice(0, maxQuotedBytes).replaceAll(/[^\x21-\x7e]/g, '?');
}
