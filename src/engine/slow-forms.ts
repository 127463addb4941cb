import { BoundedMap } from './bounded-map';
import type { CandidateStatement } from './candidate-statement';

/** Milliseconds. */
const slowMs = 20;
/** Now and then it is a garbage collection's doing, or the first time that some code is run. */
const timesAllowed = 2;
/** The same happens to a form that comes a million times as often as it takes; of one that is slow itself, more are. */
const shareAllowed = 0.01;
const maxForms = 2_000;

/** Since the first that was slow. */
interface Looks {
  slow: number;
  /** With those that were not taken because of that, so that there is another one now and then. */
  all: number;
}

/** Forms of statements that took too long to look into: they are looked into once in a hundred times. */
export class SlowForms {
  readonly #looks = new BoundedMap<string, Looks>(maxForms);

  /** Notes how long a statement was looked into. */
  note(statement: CandidateStatement, ms: number): void {
    const isSlow = ms > slowMs;
    if (!isSlow && this.#looks.weight === 0) return;
    const form = formOf(statement);
    const looks = this.#looks.get(form);
    if (looks === undefined) {
      if (isSlow) this.#looks.set(form, { slow: 1, all: 1 });
      return;
    }
    looks.all++;
    if (isSlow) looks.slow++;
  }

  /** Whether the statement is to be left alone. Counts as one execution if it is. */
  has(statement: CandidateStatement): boolean {
    if (this.#looks.weight === 0) return false;
    const looks = this.#looks.get(formOf(statement));
    if (looks === undefined || looks.slow <= timesAllowed) return false;
    const isSlow = looks.slow > shareAllowed * looks.all;
    if (isSlow) looks.all++;
    return isSlow;
  }

  clear(): void {
    this.#looks.clear();
  }
}

/** Lists of constants may be of any length in one form, but the long ones say nothing about the short. */
function formOf({ fingerprint, text }: CandidateStatement): string {
  return `${fingerprint} ${Math.ceil(Math.log2(text.length))}`;
}
