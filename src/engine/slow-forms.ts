import { BoundedMap } from './bounded-map';
import type { CandidateStatement } from './candidate-statement';

/** Milliseconds. */
const slowMs = 20;
/** Now and then it is a garbage collection's doing, or the first time that some code is run. */
const timesAllowed = 2;
const maxForms = 2_000;

/** Forms of statements that took too long to look into: they are not looked into any more. */
export class SlowForms {
  readonly #times = new BoundedMap<string, number>(maxForms);

  /** Notes how long a statement was looked into. */
  note(statement: CandidateStatement, ms: number): void {
    if (ms <= slowMs) return;
    const form = formOf(statement);
    this.#times.set(form, (this.#times.get(form) ?? 0) + 1);
  }

  has(statement: CandidateStatement): boolean {
    if (this.#times.weight === 0) return false;
    return (this.#times.get(formOf(statement)) ?? 0) > timesAllowed;
  }

  clear(): void {
    this.#times.clear();
  }
}

/** Lists of constants may be of any length in one form, but the long ones say nothing about the short. */
function formOf({ fingerprint, text }: CandidateStatement): string {
  return `${fingerprint} ${Math.ceil(Math.log2(text.length))}`;
}
