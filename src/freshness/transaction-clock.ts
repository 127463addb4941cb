const maxNotes = 256;

interface Note {
  /** The next transaction there would be at that time. */
  readonly next: bigint;
  readonly atMs: number;
}

/**
 * Roughly when transactions began, without track_commit_timestamp: by which numbers had been given out at which times. Bounded: when there
 * are too many notes, every second one goes, and from then on they are taken half as often. Times are milliseconds of any one clock, handed in.
 */
export class TransactionClock {
  #notes: Note[] = [];
  /** Between notes, at least. */
  #gapMs = 0;

  note(next: bigint, atMs: number): void {
    const last = this.#notes.at(-1);
    // A server that was restored from a backup goes back.
    if (last !== undefined && next < last.next) this.#notes = [];
    if (last?.next === next || (this.#notes.length > 0 && atMs - (last?.atMs ?? 0) < this.#gapMs)) return;
    this.#notes.push({ next, atMs });
    if (this.#notes.length <= maxNotes) return;
    this.#notes = this.#notes.filter((_, i) => i % 2 === 0);
    const [first] = this.#notes;
    this.#gapMs = (atMs - (first?.atMs ?? atMs)) / this.#notes.length;
  }

  /** How old a transaction is at least, in milliseconds: since it was first noted to have begun. */
  ageMs(xid: bigint, nowMs: number): number {
    const note = this.#notes.find(({ next }) => next > xid);
    return note === undefined ? 0 : Math.max(0, nowMs - note.atMs);
  }
}
