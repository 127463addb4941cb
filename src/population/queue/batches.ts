/**
 * Makes one question of many: calls that come while one is under way share the next. The answers stand in the order of the
 * questions; a question that fails fails all who shared it.
 */
export class Batches<Question, Answer> {
  readonly #ask: (questions: readonly Question[]) => Promise<readonly Answer[]>;
  readonly #maxSize: number;
  readonly #waiting: {
    readonly question: Question;
    readonly resolve: (answer: Answer) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #isAsking = false;

  constructor(ask: (questions: readonly Question[]) => Promise<readonly Answer[]>, maxSize = 1_000) {
    this.#ask = ask;
    this.#maxSize = maxSize;
  }

  add(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      if (!this.#isAsking) void this.#askAll();
    });
  }

  /** Never rejects: who asked hears of trouble. */
  async #askAll(): Promise<void> {
    this.#isAsking = true;
    for (;;) {
      const batch = this.#waiting.splice(0, this.#maxSize);
      if (batch.length === 0) break;
      try {
        const answers = await this.#ask(batch.map(({ question }) => question));
        batch.forEach(({ resolve, reject }, i) => {
          const answer = answers[i];
          if (answer === undefined) reject(new Error('a question of a batch was not answered'));
          else resolve(answer);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isAsking = false;
  }
}
