import type { Catalog } from '../query/catalog/catalog';
import { checking, shapeKey, type Decision, type Ways } from './decision';
import type { EngineEvents, EngineLog } from './engine-events';
import { isBestGuess, type Form } from './form';
import { leave } from './forward-plan';
import { restrictedFormOf, rewrite, type RewrittenText } from './rewriter';
import type { ShapeBook } from './shape-book';
import { turnBudget } from './turn-budget';

export interface FormPreparationOptions {
  readonly shapes: ShapeBook;
  /** Whether nothing newer is known than this catalog. */
  readonly isCurrent: (catalog: Catalog) => boolean;
  readonly events: EngineEvents;
  readonly log: EngineLog;
}

/** Statements whose forms are made in the background at the same time; of more, the next execution reminds us. */
const maxInTheMaking = 100;
/**
 * Restricting another column than the first is tried if the server does not expect it to cost so many times as much as another form. It is
 * mistaken by more now and then; but a form that costs a hundred times as much would be tried on somebody's time.
 */
const farMoreCostly = 3;

/** Makes the forms of statements, and has the server judge each before it is used (rule S11). */
export class FormPreparation {
  readonly #inTheMaking = new Set<string>();

  constructor(private readonly options: FormPreparationOptions) {}

  /** The forms to choose from now: of these, those the server takes and does not expect to cost far more than others. All, if it takes none so far. */
  candidates(
    decision: Decision,
    ways: Ways,
    from: readonly Form[],
    catalog: Catalog,
  ): readonly [Form, ...Form[]] {
    if (ways.candidates?.from === from) return ways.candidates.forms;
    ways.candidates = undefined;
    const { reading } = decision;
    const { plans, classes } = ways;
    const { shapes } = this.options;
    const asked = from.map((form) => {
      const shape = shapeKey(reading, restrictedFormOf(reading.statement, classes, form, catalog), 0);
      const isRefused = plans.get(form)?.kind === 'forward';
      return { form, shape, isRefused, isTaken: shapes.isTaken(shape), cost: shapes.cost(shape) };
    });
    const toAsk = asked.filter(({ isRefused, isTaken }) => !isRefused && !isTaken);
    if (toAsk.length > 0) this.#makeReadyLater(toAsk, decision, ways, catalog);
    const taken = asked.filter(({ isRefused, isTaken }) => !isRefused && isTaken);
    const cheapest = Math.min(...taken.map(({ cost }) => cost ?? Infinity));
    const [first, ...others] = taken.filter(
      ({ form, cost }) => isBestGuess(form) || cost === undefined || cost <= farMoreCostly * cheapest,
    );
    if (first === undefined) return ways.forms;
    const forms: readonly [Form, ...Form[]] = [first.form, ...others.map(({ form }) => form)];
    if (toAsk.length === 0) ways.candidates = { from, forms };
    return forms;
  }

  /**
   * Forms that the server has not been asked about are not used yet, so there is no need to keep the client waiting while they are
   * made, parsed again and compared: that is done when the client's own statement is on its way.
   */
  #makeReadyLater(
    forms: readonly { readonly form: Form; readonly shape: string }[],
    decision: Decision,
    ways: Ways,
    catalog: Catalog,
  ): void {
    const name = forms[0]?.shape ?? '';
    if (this.#inTheMaking.has(name) || this.#inTheMaking.size >= maxInTheMaking) return;
    this.#inTheMaking.add(name);
    const make = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      for (const { form } of forms) {
        await turnBudget.turn();
        if (this.options.isCurrent(catalog)) await this.makeReady(decision, ways, form, catalog);
      }
    };
    void make()
      .catch((error: unknown) => {
        this.options.log.warn({ err: error }, 'a statement could not be made ready');
      })
      .finally(() => this.#inTheMaking.delete(name));
  }

  /** Makes a form of a statement, has the server judge it, and notes if it cannot be used. */
  async makeReady(decision: Decision, ways: Ways, form: Form, catalog: Catalog): Promise<void> {
    const { shapes } = this.options;
    const { result: rewritten } = turnBudget.spend(() => this.rewrite(decision, ways, form, catalog));
    if (rewritten === undefined) return;
    const wantsCost = ways.forms.length > 1;
    const questions = checking(decision.reading, rewritten, catalog).map((each) => ({ ...each, wantsCost }));
    for (const question of questions) await shapes.ask(question);
    if (questions.some((question) => shapes.known(question)?.isValid === false))
      ways.plans.set(form, leave(decision, 'shape check'));
  }

  /** The rewritten text; undefined, which is noted, if the restrictions do not fit into the statement. */
  rewrite(decision: Decision, ways: Ways, form: Form, catalog: Catalog): RewrittenText | undefined {
    const { statement } = decision.reading;
    const rewritten = this.options.events.step('rewrite', () =>
      rewrite(statement, ways.classes, form, catalog),
    );
    if (rewritten !== undefined) return rewritten;
    const fields = { fingerprint: statement.fingerprint };
    this.options.log.warn(fields, 'a restriction did not fit into a statement; it is left alone');
    ways.plans.set(form, leave(decision, 'splice check'));
    return undefined;
  }
}
