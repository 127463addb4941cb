import type { JsonFlag } from './output';

/** Of a bar between its brackets. */
const cells = 24;
/** A terminal is not written to more often than a person can look. */
const drawEveryMs = 100;

/** Where a bar is drawn; standard error, so that standard output is a command's result and nothing else. */
export type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>;

/**
 * How far a long piece of work is, in one line of a terminal that is written over and is gone at the end. Nothing at all is written where
 * standard error is no terminal, or one that cannot write over a line (TERM=dumb), or with `--json`. No colours.
 */
export class ProgressBar implements Disposable {
  #done = 0;
  #drawnAt = -Infinity;
  #isDrawn = false;
  readonly #startedAt: number;
  readonly #isShown: boolean;

  /** @param noun of what is counted, in the plural */
  constructor(
    private total: number,
    private readonly noun: string,
    { json }: JsonFlag,
    private readonly terminal: Terminal = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#startedAt = now();
    this.#isShown = !json && terminal.isTTY && process.env['TERM'] !== 'dumb';
    if (total > 0) this.#draw();
  }

  advance(by = 1): void {
    this.#done += by;
    this.#draw();
  }

  /** So many more are to come than was said. */
  expect(count: number): void {
    this.total += count;
    this.#draw();
  }

  /** The same items, counted as they are taken. */
  async *over<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item, void, undefined> {
    for await (const item of items) {
      yield item;
      this.advance();
    }
  }

  /** Takes the line away, for another one to be written; the next step draws it again. */
  clear(): void {
    if (!this.#isDrawn) return;
    this.terminal.write('\r\u001b[K');
    this.#isDrawn = false;
    this.#drawnAt = -Infinity;
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #draw(): void {
    if (!this.#isShown) return;
    const now = this.now();
    if (now - this.#drawnAt < drawEveryMs) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    const line = progressLine(this.#done, this.total, this.noun, now - this.#startedAt);
    // Some terminals do not say how wide they are.
    const columns = this.terminal.columns > 0 ? this.terminal.columns : 80;
    this.terminal.write(`\r${line.slice(0, columns - 1)}\u001b[K`);
  }
}

/** `[######      ]  50 %  3 of 6 entries, 2 s left`; what is left is guessed from what went before, once there is enough of that. */
export function progressLine(done: number, total: number, noun: string, elapsedMs: number): string {
  if (total <= 0) return `${done} ${noun}`;
  const share = Math.min(1, done / total);
  const filled = Math.floor(share * cells);
  const bar = `[${'#'.repeat(filled)}${' '.repeat(cells - filled)}]`;
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  const leftS = Math.ceil((elapsedMs * (1 - share)) / share / 1_000);
  const left = elapsedMs < 1_000 || done === 0 || share === 1 ? '' : `, ${leftS} s left`;
  return `${bar} ${percent} %  ${done} of ${total} ${noun}${left}`;
}
