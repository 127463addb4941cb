/** The best of many things, without room for all of them. */
export class Selection<Thing> {
  #kept: Thing[] = [];

  constructor(
    private readonly count: number,
    private readonly worth: (thing: Thing) => number,
  ) {}

  add(thing: Thing): void {
    this.#kept.push(thing);
    if (this.#kept.length >= 2 * this.count) this.#kept = [...this.all()];
  }

  /** The best first. */
  all(): readonly Thing[] {
    return [...this.#kept].sort((a, b) => this.worth(b) - this.worth(a)).slice(0, this.count);
  }
}
