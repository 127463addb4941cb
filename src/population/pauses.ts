export interface Pausable {
  pause(): void;
  resume(): void;
}

/** Lets several have something paused: it goes on when the last of them has resumed it. */
export class Pauses {
  readonly #holders = new Set<Pausable>();

  constructor(private readonly paused: Pausable) {}

  /** One that can have it paused, apart from the others. */
  holder(): Pausable {
    const holder: Pausable = {
      pause: () => {
        this.#holders.add(holder);
        this.paused.pause();
      },
      resume: () => {
        if (this.#holders.delete(holder) && this.#holders.size === 0) this.paused.resume();
      },
    };
    return holder;
  }
}
