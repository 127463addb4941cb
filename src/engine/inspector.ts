import type { Catalog } from '../query/catalog/catalog';
import type { PartitionKey } from '../query/partition-key';
import { BoundedMap } from './bounded-map';
import { CandidateStatement } from './candidate-statement';
import type { InspectedStatement } from './engine';
import { type EngineEvents, unheard } from './engine-events';
import { PassingStatement } from './passing-statement';
import { StatementForm, withoutLiterals } from './statement-form';
import { nothingToRestrict, statementsOf, type StatementsOfText } from './statements-of-text';
import { type TurnBudget, turnBudget } from './turn-budget';

/** Memory for texts that are remembered, with their syntax trees, and for texts without their literals: estimates, in bytes. */
const maxCachedTextBytes = 64 * 1024 * 1024;
const maxCachedFormBytes = 8 * 1024 * 1024;

/** Tells candidates from other texts. A text that names no tracked table is not parsed, and not remembered. */
export class Inspector {
  readonly #namesTrackedTable: RegExp;
  readonly #cache = new BoundedMap<string, InspectedStatement>(
    maxCachedTextBytes,
    (statement, text) => (statement.isCandidate ? 64 : 2) * text.length + 2_000,
  );
  readonly #forms = new BoundedMap<string, StatementForm>(
    maxCachedFormBytes,
    (_, key) => 2 * key.length + 500,
  );
  /** Whether texts of a form that name no tracked table leave the context alone. */
  readonly #passingForms = new BoundedMap<string, boolean>(
    maxCachedFormBytes,
    (_, key) => 2 * key.length + 200,
  );
  #catalog: Catalog | undefined;
  #read = this.#reader();

  constructor(
    partitionKeys: readonly PartitionKey[],
    private readonly budget: TurnBudget = turnBudget,
    private readonly events: Pick<EngineEvents, 'step'> = unheard,
  ) {
    const names = partitionKeys.flatMap(({ tables }) =>
      [...tables.keys()].map((table) => table.slice(table.indexOf('.') + 1)),
    );
    this.#namesTrackedTable = new RegExp(names.map(escapeForRegExp).join('|') || '(?!)', 'i');
  }

  /** What was remembered under an older catalog is looked at again. */
  useCatalog(catalog: Catalog | undefined): void {
    this.#catalog = catalog;
    this.#cache.clear();
    this.#forms.clear();
    this.#passingForms.clear();
    this.#read = this.#reader();
  }

  inspect(text: string): InspectedStatement {
    if (!this.#namesTrackedTable.test(text)) return new PassingStatement(text, this.#judge);
    const known = this.#cache.get(text);
    if (known !== undefined) return known;
    const key = withoutLiterals(text);
    const form = key === undefined ? undefined : this.#forms.get(key);
    if (form === undefined)
      return this.budget.isSpent
        ? new CandidateStatement(text, false, undefined, this.#readLate)
        : this.budget.spend(() => this.#take(text, key, this.#parse(text))).result;
    if (!form.isCandidate) return new PassingStatement(text, this.#judge);
    const statement = new CandidateStatement(text, form.leavesContextAlone, form, this.#read);
    // Without literals in it, it is bound to come again.
    if (key === text) this.#remember(statement);
    return statement;
  }

  /** What a statement was judged by may be an older catalog when it is looked into: then it is not remembered. */
  #reader(): (statement: CandidateStatement) => StatementsOfText {
    const read = (statement: CandidateStatement): StatementsOfText => {
      if (read === this.#read) this.#remember(statement);
      return (
        this.events.step('parse', () => statementsOf(statement.text, this.#catalog)) ?? nothingToRestrict
      );
    };
    return read;
  }

  /**
   * Reads a text there was no time for when it came. This execution keeps being taken for one that may change the context; what is
   * remembered for the next is what the text says.
   */
  readonly #readLate = ({ text }: CandidateStatement): StatementsOfText => {
    const content = this.#parse(text);
    this.#take(text, withoutLiterals(text), content);
    return content ?? nothingToRestrict;
  };

  /** A text that cannot be told by its form is not worth being parsed each time. */
  readonly #judge = (text: string): boolean => {
    const key = withoutLiterals(text);
    if (key === undefined) return false;
    const known = this.#passingForms.get(key);
    if (known !== undefined) return known;
    if (this.budget.isSpent) return false;
    const { result: leavesAlone } = this.budget.spend(
      () => mayLookInto(text) && statementsOf(text, this.#catalog)?.leavesContextAlone === true,
    );
    this.#passingForms.set(key, leavesAlone);
    return leavesAlone;
  };

  #remember(statement: CandidateStatement): void {
    this.#cache.set(statement.text, statement);
  }

  #parse(text: string): StatementsOfText | undefined {
    return mayLookInto(text) ? this.events.step('parse', () => statementsOf(text, this.#catalog)) : undefined;
  }

  /** What a text is by its content, remembered. */
  #take(text: string, key: string | undefined, content: StatementsOfText | undefined): InspectedStatement {
    const isCandidate = content !== undefined && content.restrictable.length > 0;
    const leavesContextAlone = isCandidate && content.leavesContextAlone;
    let form: StatementForm | undefined;
    // What is wrong with a text that cannot be parsed may be one of its literals.
    if (key !== undefined && content !== undefined) {
      form = new StatementForm(isCandidate, leavesContextAlone);
      this.#forms.set(key, form);
    }
    if (!isCandidate) {
      const statement = new PassingStatement(text, this.#judge);
      this.#cache.set(text, statement);
      return statement;
    }
    const statement = new CandidateStatement(text, leavesContextAlone, form, this.#read, content);
    // With literals in it, it may well be the only one of its kind.
    if (form === undefined || key === text) this.#remember(statement);
    return statement;
  }
}

/** A client's own word, in a comment: this statement is left alone. */
export const switchedOff = /\/\*\s*pcache\s*:\s*off\s*\*\//i;

/** A replacement character stands for bytes that are not UTF-8; the text we have is not the text the client sent. */
function mayLookInto(text: string): boolean {
  return !text.includes('\uFFFD') && !text.includes('\0') && !switchedOff.test(text);
}

function escapeForRegExp(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
