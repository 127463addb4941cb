import { StartError } from '../../errors/start-error';
import { type JsonFlag, tellPeople, tellPrograms } from '../output';
import { ProgressBar, type Terminal } from '../progress-bar';

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
export class AddReport implements Disposable {
  readonly #all: Added[] = [];
  readonly #bar: ProgressBar;

  constructor(
    private readonly flags: JsonFlag,
    terminal?: Terminal,
  ) {
    this.#bar = new ProgressBar(0, 'fragments', flags, terminal);
  }

  /** So many fragments more are to come. */
  expect(count: number): void {
    this.#bar.expect(count);
  }

  add(added: Added): void {
    this.#all.push(added);
    const { statement, outcome, hash, sql, keys, seconds, reason } = added;
    tellPrograms(this.flags, { statement, outcome, hash, keys, seconds, reason, fragment: sql });
    if (!this.flags.json && (outcome === 'failed' || outcome === 'refused')) {
      this.#bar.clear();
      process.stderr.write(`statement ${statement}: ${reason ?? outcome}\n`);
    }
    if (outcome !== 'refused') this.#bar.advance();
  }

  [Symbol.dispose](): void {
    this.#bar[Symbol.dispose]();
  }

  /** Says what it came to. Throws StartError if nothing was added and nothing known, or something failed. */
  end(what: 'fragment' | 'statement'): void {
    this.#bar.clear();
    const count = (outcome: Added['outcome']): number =>
      this.#all.filter((added) => added.outcome === outcome).length;
    const parts = nouns.flatMap(([outcome, noun]) =>
      count(outcome) === 0 ? [] : [`${count(outcome)} ${noun}`],
    );
    const refused = count('refused') === 0 ? '' : `; ${plural(count('refused'), 'statement')} without any`;
    const done = this.#all.length - count('refused');
    tellPeople(
      this.flags,
      `${plural(done, what)}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}${refused}`,
    );
    if (count('failed') > 0) throw new StartError(`${plural(count('failed'), what)} failed: see above`);
    if (done === 0) throw new StartError('nothing was added: see above');
  }
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
