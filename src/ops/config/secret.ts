/** A password on its way to a connection. Printing, logging or serialising it shows that it is there, not what it is. */
export class Secret {
  readonly #value: string;
  /** Where it is now, for whoever has been given this one. */
  #later: Secret | undefined;

  constructor(value: string) {
    this.#value = value;
    Object.freeze(this);
  }

  reveal(): string {
    return this.#latest().#value;
  }

  /** Whoever has this one, or one that it replaces, gets what the other one holds from now on. */
  replaceBy(other: Secret): void {
    const latest = this.#latest();
    if (latest !== other.#latest()) latest.#later = other;
  }

  /** Those in between are let go of. */
  #latest(): Secret {
    let latest = this as Secret;
    while (latest.#later !== undefined) latest = latest.#later;
    if (latest !== this) this.#later = latest;
    return latest;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]';
  }
}
