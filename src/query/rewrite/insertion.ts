/** Text that was put into a client's. */
export interface Insertion {
  /** Byte offset in the client's text. */
  readonly at: number;
  readonly text: string;
}

/** What the server counts positions in: one byte is one character to a database whose encoding is SQL_ASCII. */
export type PositionUnit = 'characters' | 'bytes';

/** The client's text, byte for byte, with the insertions, in order of their places. */
export function insert(text: string, insertions: readonly Insertion[]): string {
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  let from = 0;
  for (const insertion of insertions) {
    parts.push(bytes.subarray(from, insertion.at), Buffer.from(insertion.text));
    from = insertion.at;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts).toString();
}

/**
 * Where a position in the rewritten text (1 is the first character, as in the field `P` of an error) is in the client's own.
 * undefined if it lies in what was inserted: there is nothing in the client's text that the message is about, and a mark
 * at the nearest place would blame the wrong words.
 */
export function positionInOriginal(
  position: number,
  text: string,
  insertions: readonly Insertion[],
  unit: PositionUnit,
): number | undefined {
  const bytes = Buffer.from(text);
  const count = (part: string): number => (unit === 'bytes' ? Buffer.byteLength(part) : characters(part));
  let inserted = 0;
  for (const insertion of insertions) {
    const place = count(bytes.toString('utf8', 0, insertion.at)) + 1;
    if (position - inserted < place) break;
    inserted += count(insertion.text);
    if (position - inserted < place) return undefined;
  }
  return position - inserted;
}

/** Code points, which is what the server counts whatever its encoding is. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
