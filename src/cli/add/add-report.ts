import { StartError } from '../../errors/start-error';

/** What became of one fragment, or of a statement. */
export interface Added {
  /** Of the statement in the text, from 1. */
  readonly statement: number;
  readonly outcome: 'stored' | 'known' | 'queued' | 'failed' | 'refused';
  readonly hash?: string;
  readonly sql?: string;
  readonly keys?: number;
  readonly seconds?: number;
  readonly reason?: string | undefined;
}

const nouns: readonly (readonly [Added['outcome'], string])[] = [
  ['stored', 'stored'],
  ['known', 'known already'],
  ['queued', 'queued'],
  ['failed', 'failed'],
];

/** Tells what was added, on standard output; on a terminal, how it goes as well. */
export class AddReport {
  readonly #all: Added[] = [];
  #total = 0;

  constructor(
    private readonly isJson: boolean,
    private readonly terminal: NodeJS.WriteStream = process.stderr,
  ) {}

  /** So many fragments more are to come. */
  expect(count: number): void {
    this.#total += count;
    this.#progress();
  }

  add(added: Added): void {
    this.#all.push(added);
    const { statement, outcome, hash, sql, keys, seconds, reason } = added;
    if (this.isJson) {
      const line = { statement, outcome, hash, keys, seconds, reason, fragment: sql };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    } else if (outcome === 'failed' || outcome === 'refused') {
      this.#clear();
      process.stderr.write(`statement ${statement}: ${reason ?? outcome}\n`);
    }
    this.#progress();
  }

  /** Says what it came to. Throws StartError if nothing was added and nothing known, or something failed. */
  end(what: 'fragment' | 'statement'): void {
    this.#clear();
    const count = (outcome: Added['outcome']): number =>
      this.#all.filter((added) => added.outcome === outcome).length;
    const parts = nouns.flatMap(([outcome, noun]) =>
      count(outcome) === 0 ? [] : [`${count(outcome)} ${noun}`],
    );
    const refused = count('refused') === 0 ? '' : `; ${plural(count('refused'), 'statement')} without any`;
    const done = this.#all.length - count('refused');
    if (!this.isJson)
      process.stdout.write(
        `${plural(done, what)}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}${refused}\n`,
      );
    if (count('failed') > 0) throw new StartError(`${plural(count('failed'), what)} failed: see above`);
    if (done === 0) throw new StartError('nothing was added: see above');
  }

  #progress(): void {
    if (!this.terminal.isTTY || this.isJson || this.#total === 0) return;
    const done = this.#all.filter(({ outcome }) => outcome !== 'refused').length;
    this.terminal.write(`\r\u001b[K${done} of ${this.#total} fragments`);
  }

  #clear(): void {
    if (this.terminal.isTTY && !this.isJson) this.terminal.write('\r\u001b[K');
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
