/** A prepared statement the client made with Parse. */
export class PreparedStatement {
  constructor(
    readonly name: string,
    readonly text: string,
    readonly declaredOids: readonly number[],
    /** Epoch of ContextCertainty in which the server has this text under this name for certain; -1 for none. */
    public verifiedEpoch: number,
  ) {}
}

/** More names than this a session does not get remembered: the oldest are forgotten, and their executions forwarded. */
const maxNames = 10_000;

/**
 * The texts of the client's prepared statements, as far as they are known. Not knowing one is always safe: its executions
 * are forwarded. Knowing a wrong one is not, so whatever casts doubt on a name deletes it.
 */
export class PreparedStatements {
  private readonly named = new Map<string, PreparedStatement>();
  private unnamed: PreparedStatement | undefined;

  get(name: string): PreparedStatement | undefined {
    return name === '' ? this.unnamed : this.named.get(name);
  }

  set(statement: PreparedStatement): void {
    if (statement.name === '') {
      this.unnamed = statement;
      return;
    }
    this.named.delete(statement.name);
    this.named.set(statement.name, statement);
    if (this.named.size > maxNames) {
      const [oldest] = this.named.keys();
      if (oldest !== undefined) this.named.delete(oldest);
    }
  }

  delete(name: string): void {
    if (name === '') this.unnamed = undefined;
    else this.named.delete(name);
  }

  /** A Parse was not understood: any name may have another text now. */
  deleteAll(): void {
    this.unnamed = undefined;
    this.named.clear();
  }
}
