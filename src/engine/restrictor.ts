import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import { hasLastingMeaning } from '../query/analysis/lasting-meaning';
import type { Catalog } from '../query/catalog/catalog';
import type { MethodChoice } from '../query/rewrite/method';
import { blockOutcomes } from './block-outcomes';
import { within } from './deadline';
import {
  checking,
  neededSets,
  shapeKey,
  usedEntries,
  type Decision,
  type Ways,
  type WaysKind,
} from './decision';
import type { AppliedRestriction, ForwardPlan, Plan, PlanRequest, RewritePlan } from './engine';
import type { ChoiceReason, Experience } from './experience';
import { isBestGuess, type Form } from './form';
import type { ExactKeys, Guards } from './guards';
import { KeyNarrowing, type KeyNarrowingOptions } from './key-narrowing';
import { FormPreparation, type FormPreparationOptions } from './form-preparation';
import { forward, leave } from './forward-plan';
import { lacksTables, manyKeys, methodsFor } from './method-choice';
import type { ClassMatch, Reading } from './reading';
import { formsOf, restrictedFormOf, type ClassKeys, type ClassRestriction } from './rewriter';
import type { UsageNotes, UsedEntry } from './usage-notes';

export interface RestrictorOptions extends KeyNarrowingOptions, FormPreparationOptions {
  readonly experience: Experience;
  readonly usage: UsageNotes;
  readonly guards: Guards;
  /** By partition key: how its keys are put into statements; `auto` for those that are left out. */
  readonly methods: ReadonlyMap<string, MethodChoice>;
  /** How long a statement waits for key sets that are not in memory, in milliseconds; after that it goes as it came. */
  readonly fetchMs: number;
}

/** For `completed`. */
export interface RewriteMemo {
  readonly form: Form;
  /** What it was chosen from. */
  readonly ways: Ways;
  /** What it rests on. */
  readonly entries: readonly UsedEntry[];
  /** What the keys that may change were read by. */
  readonly exact: readonly ExactKeys[];
}

/** What the session can do for a statement; see PlanRequest. */
export type SessionMeans = Pick<PlanRequest, 'canMakeTables' | 'canGuard'>;

/** From what holds for a statement to the text that is sent: fetch the key sets (the only I/O), restrict, choose the form. */
export class Restrictor {
  readonly #narrowing: KeyNarrowing;
  readonly #preparation: FormPreparation;

  constructor(private readonly options: RestrictorOptions) {
    this.#narrowing = new KeyNarrowing(options);
    this.#preparation = new FormPreparation(options);
  }

  /** The decision has matches. A promise only if key sets must be fetched. */
  plan(decision: Decision, catalog: Catalog, means: SessionMeans): Plan | Promise<Plan> {
    if (decision.classes !== undefined || this.#hasSets(decision))
      return this.#restrict(decision, catalog, means);
    const { log, isCurrent, fetchMs } = this.options;
    const restricted = this.#fetchSets(decision).then(
      () => (isCurrent(catalog) ? this.#restrict(decision, catalog, means) : forward('catalog not read')),
      (error: unknown) => {
        // A store that is away is told of once, by whoever watches it, not by every statement.
        const fields = { err: error };
        const message = 'key sets could not be read; the statement is left alone';
        if (error instanceof CacheUnavailableError) log.debug(fields, message);
        else log.warn(fields, message);
        return forward('cache unavailable');
      },
    );
    return within<Plan>(restricted, fetchMs, () => forward('cache unavailable'));
  }

  /** Makes ready what `plan` would have to ask for: key sets, and the server's opinion of the forms that are tried first. */
  async prepare(decision: Decision, catalog: Catalog): Promise<void> {
    await this.#fetchSets(decision);
    const kinds: readonly WaysKind[] = [unguarded(mayUseTables(decision.reading)), 'guarded'];
    for (const kind of kinds) {
      if (kind === 'guarded' && !this.#mayGuard(decision, catalog)) continue;
      const ways = this.#waysOf(decision, catalog, kind);
      for (const form of ways.classes.length === 0 ? [] : ways.bestGuesses)
        await this.#preparation.makeReady(decision, ways, form, catalog);
    }
  }

  /**
   * What `plan` would come to, with everything at hand that it asks for. Counts as no use of the sets. Rejects with
   * CacheUnavailableError.
   */
  async preview(
    decision: Decision,
    catalog: Catalog,
    means: SessionMeans,
  ): Promise<RewritePlan | ForwardPlan> {
    await this.prepare(decision, catalog);
    return this.#choose(decision, catalog, means);
  }

  /** Number of keys that are left of all that holds for a class, however many; its sets are at hand, or do not count. */
  keysKept(match: ClassMatch, catalog: Catalog): number | undefined {
    return this.#narrowing.keysOf(match, catalog)?.keys.size;
  }

  #hasSets({ matches }: Decision): boolean {
    return neededSets(matches).every(({ key, hash }) => this.options.keySets.peek(key, hash) !== undefined);
  }

  async #fetchSets({ matches }: Decision): Promise<void> {
    const { events, keySets } = this.options;
    const load = (): Promise<unknown> =>
      Promise.all(neededSets(matches).map(({ key, hash }) => keySets.load(key, hash)));
    await events.step('fetch', load);
  }

  #restrict(decision: Decision, catalog: Catalog, means: SessionMeans): RewritePlan | ForwardPlan {
    const plan = this.#choose(decision, catalog, means);
    if (plan.kind === 'rewrite') this.options.usage.used((plan.memo as RewriteMemo).entries);
    return plan;
  }

  /** With constant keys where the planner can leave out partitions by them; if that cannot be done, as everywhere else. */
  #choose(decision: Decision, catalog: Catalog, means: SessionMeans): RewritePlan | ForwardPlan {
    const { experience } = decision.reading.statement;
    const isPaused = this.options.guards.isPaused(experience, performance.now());
    if (means.canGuard === true && !isPaused && this.#mayGuard(decision, catalog)) {
      const plan = this.#fastest(decision, catalog, 'guarded');
      if (plan.kind === 'rewrite' || plan.reason === 'shape not checked yet') return plan;
    }
    const canMakeTables = means.canMakeTables === true && mayUseTables(decision.reading);
    return this.#fastest(decision, catalog, unguarded(canMakeTables));
  }

  /** Restricts in the form that has shown to be the fastest. */
  #fastest(decision: Decision, catalog: Catalog, kind: WaysKind): RewritePlan | ForwardPlan {
    const ways = this.#waysOf(decision, catalog, kind);
    const { classes, plans } = ways;
    if (classes.length === 0) return leave(decision, 'covers most keys');
    const { experience } = this.options;
    const { experience: shape } = decision.reading.statement;
    const worthAsking = experience.isTrialDue(shape, ways.forms) ? ways.forms : ways.bestGuesses;
    const candidates = this.#preparation.candidates(decision, ways, worthAsking, catalog);
    const { form, why } = experience.choose(shape, candidates);
    const known = plans.get(form);
    if (known?.kind === 'rewrite' && known.restriction.why !== why)
      plans.set(form, { ...known, restriction: { ...known.restriction, why } });
    const plan = plans.get(form) ?? this.#form(decision, ways, form, why, catalog);
    const mayChangeByItself = plan.kind === 'forward' && plan.reason === 'shape not checked yet';
    if (mayChangeByItself) return plan;
    plans.set(form, plan);
    // The next execution chooses among the others.
    if (plan.kind === 'forward') ways.candidates = undefined;
    return plan;
  }

  #form(
    decision: Decision,
    ways: Ways,
    form: Form,
    why: ChoiceReason,
    catalog: Catalog,
  ): RewritePlan | ForwardPlan {
    const { reading, matches } = decision;
    const { classes } = ways;
    const { statement, parameterOids, analysis } = reading;
    const mayRaise = 'mayRaise' in analysis && analysis.mayRaise;
    const shape = shapeKey(reading, restrictedFormOf(statement, classes, form, catalog), 0);
    if (!this.options.shapes.isTaken(shape)) return leave(decision, 'shape not checked yet');
    const rewritten = this.#preparation.rewrite(decision, ways, form, catalog);
    if (rewritten === undefined) return leave(decision, 'splice check');
    const shapes = checking(reading, rewritten, catalog).map((question) =>
      this.options.shapes.lookUp(question),
    );
    if (shapes.includes(undefined)) return leave(decision, 'shape not checked yet');
    if (!shapes.every((shape) => shape?.isValid)) return leave(decision, 'shape check');
    return {
      kind: 'rewrite',
      text: rewritten.text,
      insertions: rewritten.insertions,
      blocks: blockOutcomes(reading, (block) => {
        if (rewritten.blocks.has(block)) return undefined;
        if (!matches.some((match) => match.block === block)) return 'miss';
        return classes.some((each) => each.block === block) ? 'no place in the text' : 'covers most keys';
      }),
      parameterOids,
      coverage: decision.coverage,
      mustRetryOnError: mayRaise || form.isGuarded,
      mayRunTwice: statement.isSingle && statement.statements[0]?.mayRunTwice === true,
      isCertainAtFirstRow: !mayRaise,
      restriction: {
        ...{ method: form.method, columns: rewritten.columns, isGuarded: form.isGuarded },
        ...keptBy(classes, catalog),
        ...{ why, lacksTables: ways.lacksTables },
      },
      ...(rewritten.tables.length > 0 ? { tables: rewritten.tables } : {}),
      ...(mayBeKept(decision, classes, catalog) ? { lastsWith: catalog } : {}),
      memo: {
        ...{ form, ways, entries: usedEntries(matches) },
        exact: classes.flatMap(({ keyClass: { partitionKey }, freshness }) =>
          freshness === undefined ? [] : [{ partitionKey, freshness }],
        ),
      } satisfies RewriteMemo,
    };
  }

  /**
   * Whether the methods are all asked for by name. They are then not compared with the statement as the client wrote it: who asks
   * for one knows better, or wants to see.
   */
  isForced(decision: Decision): boolean {
    return decision.matches.every((match) => this.#choiceOf(decision, match) !== 'auto');
  }

  #choiceOf({ reading }: Decision, { keyClass }: Pick<ClassMatch, 'keyClass'>): MethodChoice {
    return reading.context.method ?? this.options.methods.get(keyClass.partitionKey.name) ?? 'auto';
  }

  #waysOf(decision: Decision, catalog: Catalog, kind: WaysKind): Ways {
    const { guards } = this.options;
    const known = decision.ways[kind];
    if (known !== undefined && (kind !== 'guarded' || known.guardsVersion === guards.version)) return known;
    const canMakeTables = kind === 'with tables';
    const alias = decision.reading.context.restrictedAlias;
    const classes = this.#narrowing.classesOf(decision, catalog).map((each): ClassRestriction => {
      if (kind === 'guarded') return { ...each, keys: guards.keysOf(each), methods: ['inline'], alias };
      const choice = this.#choiceOf(decision, each);
      return { ...each, methods: methodsFor(choice, each.keys.size, canMakeTables), alias };
    });
    const choices = decision.matches.map((match) => this.#choiceOf(decision, match));
    const forms = formsOf(classes, kind === 'guarded');
    const ways = {
      classes,
      forms,
      bestGuesses: forms.filter(isBestGuess),
      plans: new Map<Form, RewritePlan | ForwardPlan>(),
      candidates: undefined,
      isForced: this.isForced(decision),
      lacksTables: choices.some((choice) => lacksTables(choice, canMakeTables)),
      guardsVersion: guards.version,
    };
    decision.ways[kind] = ways;
    return ways;
  }

  /**
   * Whether there is something to gain from constant keys where keys may change: partitions the planner can leave out, which it cannot by
   * what is known when the statement is run only. And whether there is a place for the guard: at the end of a single SELECT without OFFSET.
   */
  #mayGuard(decision: Decision, catalog: Catalog): boolean {
    const { statement } = decision.reading;
    const [only] = statement.statements;
    if (!statement.isSingle || only?.kind !== 'select' || only.query.limitOffset !== undefined) return false;
    const exact = this.#narrowing
      .classesOf(decision, catalog)
      .filter(({ freshness }) => freshness !== undefined);
    const isConstant = (each: ClassKeys): boolean =>
      /^(auto|inline)$/.test(this.#choiceOf(decision, each)) &&
      this.options.guards.keysOf(each).size < manyKeys;
    return exact.some(isPartitioned) && exact.every(isConstant);
  }
}

/**
 * Whether a statement may read temporary tables of ours: one that lists tables would see them. A name may be written with the
 * codes of its letters.
 */
export function mayUseTables({ statement }: Reading): boolean {
  const [only] = statement.statements;
  return statement.isSingle && only?.kind === 'select' && !/pg_|information_schema|u&/i.test(statement.text);
}

/**
 * Whether a text may be parsed once for several executions. Not where data may change: what a session is told of the catalog then is as new as its
 * statement.
 */
function mayBeKept({ reading }: Decision, classes: readonly ClassRestriction[], catalog: Catalog): boolean {
  const { statement, parameters, context } = reading;
  const [only] = statement.statements;
  if (parameters !== undefined || !statement.isSingle || only?.kind !== 'select') return false;
  if (!statement.leavesContextAlone || classes.some(({ freshness }) => freshness !== undefined)) return false;
  return hasLastingMeaning(only, { ...context, catalog });
}

function unguarded(canMakeTables: boolean): WaysKind {
  if (canMakeTables) return 'with tables';
  return 'plain';
}

function isPartitioned({ keyClass }: ClassKeys): boolean {
  return keyClass.members.some(({ table }) => table.relation.kind === 'p');
}

/** What the most selective restriction keeps. */
function keptBy(
  classes: readonly ClassKeys[],
  catalog: Catalog,
): Pick<AppliedRestriction, 'keysKept' | 'totalKeys'> {
  const smallest = classes.reduce((least, candidate) =>
    candidate.keys.size < least.keys.size ? candidate : least,
  );
  const totalKeys = catalog.keyCounts.get(smallest.keyClass.partitionKey.name);
  return { keysKept: smallest.keys.size, totalKeys };
}
