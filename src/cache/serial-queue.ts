/** Runs jobs one after the other, in the order they were given. */
export class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as the job does; a job that fails does not keep the next from running. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.last.then(job, job);
    this.last = result;
    return result;
  }

  /** Resolves when all jobs given so far have ended, however they ended. */
  async idle(): Promise<void> {
    await Promise.allSettled([this.last]);
  }
}
