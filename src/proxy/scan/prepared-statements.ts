import { type ExplainText } from '../../query/explain/explain-option';

/** A prepared statement the client made with Parse. */
export class PreparedStatement {
  /** Whether the server has answered ParseComplete. */
  isConfirmed = false;
  /** The types of its parameters, as far as they are known; the server keeps them whatever becomes of the tables. */
  parameterOids: readonly number[] | undefined;

  constructor(
    readonly name: string,
    readonly text: string,
    readonly declaredOids: readonly number[],
    /** Epoch of ContextCertainty in which the server has this text under this name for certain; -1 for none. */
    public verifiedEpoch: number,
    /** Number of the batch, the messages up to a Sync, the Parse was sent in. */
    readonly batch: number,
    /** Present if it asks for an explanation; `text` is then what the server has. */
    readonly explains?: ExplainText,
  ) {}

  /**
   * Whether the server has to be asked for the types of parameters before a statement with such types can take its place: a column may
   * have another type now than when this one was prepared, and its values come in the types of then. Of an unnamed one it
   * cannot tell, and between Parse and Bind in one batch nothing can change.
   */
  hasDoubtfulTypes(now: readonly number[], batch: number): boolean {
    if (this.name === '' || this.batch === batch || this.parameterOids !== undefined) return false;
    return now.some((_, i) => (this.declaredOids[i] ?? 0) === 0);
  }

  /** Whether its parameters are known to be of other types. */
  hasOtherTypes(now: readonly number[]): boolean {
    return this.parameterOids?.some((oid, i) => oid !== now[i]) === true;
  }
}

/** More names than this a session does not get remembered: the oldest are forgotten, and their executions forwarded. */
const maxNames = 10_000;
/** The same for the length of all their texts. */
const maxTextLength = 16 * 1024 * 1024;

/**
 * The texts of the client's prepared statements, as far as they are known. Not knowing one is always safe: its executions
 * are forwarded. Knowing a wrong one is not, so whatever casts doubt on a name deletes it.
 *
 * A Parse that is still under way may fail, or be skipped, and the server keep what it had under that name. Behind it in the
 * same batch that does not matter: there everything is skipped then. From the next batch on it does.
 */
export class PreparedStatements {
  private readonly named = new Map<string, PreparedStatement>();
  private unnamed: PreparedStatement | undefined;
  private textLength = 0;

  /** The statement a Bind in this batch would be of; undefined if that is not known, or not known yet. */
  get(name: string, batch: number): PreparedStatement | undefined {
    const statement = name === '' ? this.unnamed : this.named.get(name);
    return statement?.isConfirmed === true || statement?.batch === batch ? statement : undefined;
  }

  has(statement: PreparedStatement): boolean {
    return (statement.name === '' ? this.unnamed : this.named.get(statement.name)) === statement;
  }

  set(statement: PreparedStatement): void {
    if (statement.name === '') {
      this.unnamed = statement;
      return;
    }
    this.deleteNamed(statement.name);
    this.named.set(statement.name, statement);
    this.textLength += statement.text.length;
    for (const oldest of this.named.keys()) {
      if (this.named.size <= maxNames && this.textLength <= maxTextLength) break;
      this.deleteNamed(oldest);
    }
  }

  delete(name: string): void {
    if (name === '') this.unnamed = undefined;
    else this.deleteNamed(name);
  }

  /** A Parse was not understood: any name may have another text now. */
  deleteAll(): void {
    this.unnamed = undefined;
    this.named.clear();
    this.textLength = 0;
  }

  private deleteNamed(name: string): void {
    this.textLength -= this.named.get(name)?.text.length ?? 0;
    this.named.delete(name);
  }
}
