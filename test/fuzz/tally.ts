/** What a part of a run has sent and seen. */
export class Tally {
  /** Messages in all, and how many of them were changed, put elsewhere or put in. */
  messages = 0;
  mutated = 0;
  conversations = 0;
  /** What came of it, by kind. */
  readonly outcomes = new Map<string, number>();
  /** Broken promises, each with what it takes to have it again. */
  readonly faults: string[] = [];

  count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  /** Notes a broken promise; only the first few say something new. */
  fault(what: string): void {
    this.count('fault');
    if (this.faults.length < 10) this.faults.push(what);
  }

  toString(): string {
    const outcomes = [...this.outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
    return `${this.conversations} conversations, ${this.messages} messages, ${this.mutated} of them mutated: ${outcomes}`;
  }
}

/** When a part of a run is over. */
export interface Budget {
  readonly seed: number;
  /** Mutated messages. */
  readonly messages: number;
  /** By `performance.now()`. */
  readonly endsAt: number;
}

export function isSpent({ messages, endsAt }: Budget, tally: Tally): boolean {
  return tally.mutated >= messages || tally.faults.length >= 10 || performance.now() >= endsAt;
}
