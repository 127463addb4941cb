/** A slice of the event loop's time, in milliseconds. */
const sliceMs = 5;

/** For work that comes in many small parts: lets the event loop go on after each few milliseconds of it. */
export class TimeSlices {
  private startedAt = performance.now();

  /** To be awaited between two parts; only now and then it takes until the next turn. */
  async pause(): Promise<void> {
    if (performance.now() - this.startedAt < sliceMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.startedAt = performance.now();
  }
}
