import { turnBudget } from './turn-budget';

/** Work that is put off until there is a turn of the event loop with time for it. */
export class LaterTurns {
  #waiting = 0;

  /** @param limit how much may wait; what comes beyond is dropped */
  constructor(private readonly limit: number) {}

  run(work: () => void): void {
    if (this.#waiting >= this.limit) return;
    this.#waiting++;
    void turnBudget.turn().then(() => {
      this.#waiting--;
      work();
    });
  }
}
