import type { RawStmt } from '@pgsql/types';
import { fingerprint } from '../query/ast/fingerprint';
import { scanTokens, type Token } from '../query/ast/scan';
import type { Restrictable } from '../query/analysis/restrictable';
import { bareQuery, bareText, type BareQuery } from '../query/rewrite/bare-query';
import { withoutComments } from '../query/rewrite/restriction-site';
import type { InspectedStatement } from './engine';
import type { StatementForm } from './statement-form';
import type { StatementsOfText } from './statements-of-text';

/**
 * A candidate, with what was read from its text, which may hold several statements. Lives as long as the cache holds it or an
 * execution is under way. Of a form that is known, it is not parsed until somebody looks into it.
 */
export class CandidateStatement implements InspectedStatement {
  readonly isCandidate = true;
  #content: StatementsOfText | undefined;
  #tokens: readonly Token[] | undefined;
  #fingerprint: string | undefined;
  #experience: string | undefined;
  readonly #bare = new Map<Restrictable, BareQuery>();

  /**
   * @param form undefined if it is not known which statements differ from it in literals only
   * @param read parses the text when somebody looks into it and it was not parsed before
   */
  constructor(
    readonly text: string,
    readonly leavesContextAlone: boolean,
    readonly form: StatementForm | undefined,
    private readonly read: (statement: CandidateStatement) => StatementsOfText,
    content?: StatementsOfText,
  ) {
    this.#content = content;
  }

  /** Everything in the text, as parsed. */
  get trees(): readonly RawStmt[] {
    return this.#parsed().trees;
  }

  /** The statements of the text that may be restricted. */
  get statements(): readonly Restrictable[] {
    return this.#parsed().restrictable;
  }

  /** Whether there is one statement in the text only. */
  get isSingle(): boolean {
    return this.trees.length === 1;
  }

  /** Without comments. */
  get tokens(): readonly Token[] {
    this.#tokens ??= withoutComments(scanTokens(this.text));
    return this.#tokens;
  }

  /** What statements that differ in constants only have in common. */
  get fingerprint(): string {
    this.#fingerprint ??= this.form?.fingerprint ?? fingerprint(this.tokens);
    if (this.form !== undefined) this.form.fingerprint = this.#fingerprint;
    return this.#fingerprint;
  }

  /** Whether an execution tells how long the statement's query takes, and nothing else. The same for all texts of a form. */
  get isMeasured(): boolean {
    const known = this.form?.isMeasured;
    if (known !== undefined) return known;
    const isMeasured = this.isSingle && this.statements.every((statement) => statement.isMeasured);
    if (this.form !== undefined) this.form.isMeasured = isMeasured;
    return isMeasured;
  }

  /**
   * What measurements are kept by: the fingerprint, or for what cannot be measured itself, that of the query by itself, so that
   * an EXPLAIN shows what would become of the SELECT.
   */
  get experience(): string {
    if (this.isMeasured || !this.isSingle) return this.fingerprint;
    const [only] = this.statements;
    if (only === undefined) return this.fingerprint;
    this.#experience ??= fingerprint(this.bareQuery(only).tokens);
    return this.#experience;
  }

  /** The text, or for a statement that cannot be prepared its query by itself. */
  get preparableText(): string {
    const [only] = this.statements;
    if (only === undefined || only.kind === 'select' || only.kind === 'insert') return this.text;
    return bareText(this.text, this.bareQuery(only));
  }

  bareQuery(statement: Restrictable): BareQuery {
    const bare = this.#bare.get(statement) ?? bareQuery(this.tokens, statement);
    this.#bare.set(statement, bare);
    return bare;
  }

  #parsed(): StatementsOfText {
    this.#content ??= this.read(this);
    return this.#content;
  }
}
