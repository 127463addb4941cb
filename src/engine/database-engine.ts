import type { CacheChange } from '../cache/cache-backend';
import { Directory } from '../cache/directory';
import type { Catalog } from '../query/catalog/catalog';
import type { Fragment } from '../query/fragment/fragment';
import { ContextAge } from './context-age';
import { DirectoryLoader } from './directory-loader';
import type {
  Completion,
  Engine,
  ForwardPlan,
  InspectedStatement,
  Plan,
  PlanRequest,
  ReadContext,
} from './engine';
import type { DatabaseEngineOptions, TrackedKey } from './database-engine-options';
import { contextKey, describing } from './decision';
import { DecisionBook } from './decision-book';
import { forward, leave } from './forward-plan';
import { Experience } from './experience';
import { Guards } from './guards';
import { CandidateStatement } from './candidate-statement';
import type { Explanation } from './explain/explanation';
import { StatementExplainer } from './explain/statement-explainer';
import { Inspector } from './inspector';
import { KeySetStore } from './key-set-store';
import { LaterTurns } from './later-turns';
import { hasNull } from './parameter-values';
import { fragmentsOf, lacksFragments, matchReading, mayMatchOtherConstants, type Reading } from './reading';
import { Restrictor } from './restrictor';
import { RunNotes } from './run-notes';
import type { SessionContext } from './session-context';
import { registerPartitionKeys } from './register-partition-keys';
import { readSessionContext } from './session-settings';
import { ShapeBook } from './shape-book';
import type { ShapeStatistics } from './statistics/shape-statistics';
import { logsNothing, StatementLog } from './statement-log';
import { SlowForms } from './slow-forms';
import { turnBudget } from './turn-budget';
import { UnkeyedStatements } from './unkeyed-statements';
import { UsageNotes } from './usage-notes';
import { Verification } from './verification/verification';
import { WaitingStatements } from './waiting-statements';
import { warmUp } from './warm-up';

export type { DatabaseEngineOptions, TrackedKey };

/** How long after a restricted statement another one is expected. */
const contextWantedMs = 10 * 60_000;
/** Statements that wait for time to be learned from: one that is not will be slow again. */
const maxLearningLater = 100;
/** The answers most statements get. */
const nothingCached = forward('nothing cached');
const wantsNothing = { wantsContext: false } as const;

/** The engine of one database: see `Engine`. */
export class DatabaseEngine implements Engine {
  readonly contextQuery: string;
  readonly directory = new Directory();
  readonly #inspector: Inspector;
  readonly #keySets: KeySetStore;
  readonly #experience = new Experience();
  readonly #usage: UsageNotes;
  readonly #slowForms = new SlowForms();
  readonly #decisions: DecisionBook;
  readonly #shapes: ShapeBook;
  readonly #restrictor: Restrictor;
  readonly #explainer: StatementExplainer;
  readonly #waiting = new WaitingStatements((reading) => this.#prepare(reading));
  readonly #unsubscribe: () => void;
  readonly #loader: DirectoryLoader;
  readonly #verification: Verification;
  readonly #notes: RunNotes;
  readonly #laterTurns = new LaterTurns(maxLearningLater);
  #lastContext: SessionContext | undefined;
  readonly #contextAge = new ContextAge();
  /** When a session's context was of use last, or missed, in milliseconds of performance.now. */
  #contextUsedAt = -Infinity;

  /** @param refused partition keys that the backend has no room for, with the reason */
  private constructor(
    private readonly options: DatabaseEngineOptions,
    private readonly refused: readonly string[],
  ) {
    this.contextQuery = options.contextQuery;
    this.#inspector = new Inspector(options.partitionKeys, turnBudget, options.events);
    this.#keySets = new KeySetStore(options.backend, options.memoryBytes);
    this.#usage = new UsageNotes(options.backend, options.log);
    this.#shapes = new ShapeBook(options.shapes, options.log);
    this.#decisions = new DecisionBook({
      ...{ partitionKeys: options.partitionKeys, events: options.events },
      ...{ directory: this.directory, shapes: this.#shapes },
      unkeyed: new UnkeyedStatements(options.partitionKeys, options.log),
    });
    const guards = new Guards(options.changedKeys ?? (() => Promise.resolve(undefined)), options.log);
    this.#notes = new RunNotes({
      experience: this.#experience,
      guards,
      usage: this.#usage,
      log: options.log,
      statementLog: new StatementLog(options.statementLog ?? logsNothing, options.log),
      statistics: options.statistics,
    });
    this.#restrictor = new Restrictor({
      guards,
      keySets: this.#keySets,
      shapes: this.#shapes,
      experience: this.#experience,
      usage: this.#usage,
      maxKeyShares: new Map(options.partitionKeys.map(({ name, maxKeyShare }) => [name, maxKeyShare])),
      methods: new Map(options.partitionKeys.map(({ name, method = 'auto' }) => [name, method])),
      isCurrent: (catalog) => options.catalog.current === catalog,
      fetchMs: options.fetchMs,
      events: options.events,
      log: options.log,
    });
    this.#explainer = new StatementExplainer({
      ...options,
      directory: this.directory,
      restrictor: this.#restrictor,
      experience: this.#experience,
      shapes: this.#shapes,
      retryAt: options.retryAt ?? (() => undefined),
    });
    this.#verification = new Verification(options.verification, this.#experience, options);
    this.#unsubscribe = options.backend.subscribe((change) => this.#cacheChanged(change));
    options.catalog.onChange((catalog) => this.#catalogRead(catalog));
    this.#loader = new DirectoryLoader(options, this.directory, () => this.#directoryChanged());
  }

  /**
   * Registers the partition keys, and begins to read what is known of them: until an entry is there, statements go without it. A backend
   * that is away at the start has to make up for that itself when it is back, by its changes; see GuardedBackend. Rejects with
   * DatatypeMismatchError.
   */
  static async open(options: DatabaseEngineOptions): Promise<DatabaseEngine> {
    const { partitionKeys, refused } = await registerPartitionKeys(options);
    const engine = new DatabaseEngine({ ...options, partitionKeys }, refused);
    options.catalog.start();
    return engine;
  }

  /** Once at the start: the first statements of a process would take long to look into. Never rejects. */
  async warmUp(): Promise<void> {
    const { catalog, partitionKeys, log } = this.options;
    try {
      await catalog.settled();
      await warmUp(partitionKeys, this.directory, () => catalog.current);
    } catch (error) {
      log.debug({ err: error }, 'no statements were looked into beforehand');
    }
  }

  /** Key sets at hand. */
  get keySets(): Pick<KeySetStore, 'bytes' | 'recent'> {
    return this.#keySets;
  }

  /** How statements have fared since the start. */
  get statistics(): ShapeStatistics {
    return this.#notes.statistics;
  }

  get loaded(): Promise<void> {
    return this.#loader.finished;
  }

  /** What keeps statements from being restricted, in a sentence; undefined if nothing does. */
  get trouble(): string | undefined {
    const { trouble: ofCatalog } = this.options.catalog;
    const all = [...this.refused, ...this.#loader.troubles, ...(ofCatalog === undefined ? [] : [ofCatalog])];
    return all.join('; ') || undefined;
  }

  get isContextWanted(): boolean {
    return performance.now() - this.#contextUsedAt < contextWantedMs;
  }

  inspect(text: string): InspectedStatement {
    return this.#inspector.inspect(text);
  }

  readContext(row: readonly (string | null)[]): ReadContext {
    const read = readSessionContext(row, this.options.catalog.databaseIdentity);
    this.#lastContext = read.context;
    this.#contextAge.wasRead(read.context, this.options.catalog.current);
    return read;
  }

  catalogChanged(): void {
    this.options.catalog.refresh();
  }

  plan(request: PlanRequest): Plan | Promise<Plan> {
    const plain = this.#forwardUnread(request);
    if (plain !== undefined) return plain;
    const { statement } = request;
    if (statement instanceof CandidateStatement && this.#slowForms.has(statement))
      return forward('takes too long to look into');
    if (turnBudget.isSpent && !this.#isDecided(request)) return forward('no time to look into it yet');
    const { result, ms } = turnBudget.spend(() => this.#plan(request));
    if (statement instanceof CandidateStatement) this.#slowForms.note(statement, ms);
    if (result instanceof Promise || result.kind !== 'forward') this.#contextUsedAt = performance.now();
    this.options.events.planned(ms);
    return result;
  }

  explain(request: PlanRequest): Promise<Explanation> {
    return this.#explainer.explain(request, request.context ?? this.#lastContext);
  }

  completed(completion: Completion): { readonly wantsContext: boolean } {
    const { statement, outcome, elapsedMs, isRepeated = false } = completion;
    if (!(statement instanceof CandidateStatement)) return wantsNothing;
    if (!isRepeated) this.#notes.noted(statement, completion);
    // The server took the form when it was asked: what it names has changed since, by somebody who goes past the proxy.
    if (outcome === 'fellBack' && completion.givenUpFor?.startsWith('42') === true) this.catalogChanged();
    if (outcome !== 'complete') return wantsNothing;
    if (!isRepeated) this.#verification.completed(completion);
    if (elapsedMs < this.options.minQueryMs) return wantsNothing;
    return { wantsContext: this.#learn(completion) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#loader.stop();
    this.#waiting.stop();
    this.#shapes.stop();
    this.options.catalog.stop();
    await this.#usage.flush();
  }

  /**
   * What can be decided without a look into the statement. Most of what passes through a proxy is fast and is decided here,
   * where every microsecond counts: nothing is measured, parsed or remembered.
   */
  #forwardUnread({ statement, context }: PlanRequest): ForwardPlan | undefined {
    if (!(statement instanceof CandidateStatement)) return forward('not a candidate');
    if (this.options.catalog.current === undefined) return forward('catalog not read');
    if ((context?.mode ?? this.options.mode) === 'off') return forward('switched off');
    if (this.directory.size === 0) return nothingCached;
    const assumed = context ?? this.#lastContext;
    if (assumed === undefined) return undefined;
    // Values are not asked for: they would have to be decoded. If one is NULL, a chance may be missed.
    return statement.form?.verdict(this.#decisions.version, contextKey(assumed));
  }

  #plan(request: PlanRequest): Plan | Promise<Plan> {
    const { statement, context, isContextCertain, parameters } = request;
    const { current: catalog } = this.options.catalog;
    if (!(statement instanceof CandidateStatement)) return forward('not a candidate');
    if (catalog === undefined) return forward('catalog not read');
    const mode = context?.mode ?? this.options.mode;
    const assumed = context ?? this.#lastContext;
    if (assumed === undefined) return { kind: 'needsContext' };

    const decision = this.#decisions.decide(statement, assumed, catalog, parameters);
    if (decision === undefined) return forward('parameter types not known yet');
    const { analysis } = decision.reading;
    if ('refused' in analysis) return leave(decision, analysis.refused);
    if (decision.matches.length === 0) {
      const plan = leave(decision, 'miss');
      // A NULL can be the end of a condition, so what holds with one may not hold without.
      if (!hasNull(parameters) && !mayMatchOtherConstants(decision.reading, this.directory))
        statement.form?.note(plan, this.#decisions.version, contextKey(assumed));
      return plan;
    }
    if (!isContextCertain || this.#contextAge.isOlder(assumed, catalog)) return { kind: 'needsContext' };
    if (analysis.mayRaise && !request.canRetry) return leave(decision, 'may raise an error');
    const objection = this.#experience.objection(
      statement.experience,
      performance.now(),
      this.#restrictor.isForced(decision),
    );
    if (objection !== undefined) return leave(decision, objection);
    if (mode === 'observe') return leave(decision, 'observe mode');
    return this.#restrictor.plan(decision, catalog, request);
  }

  /** Whether a plan takes no time worth mentioning. */
  #isDecided({ statement, context = this.#lastContext, parameters }: PlanRequest): boolean {
    if (!(statement instanceof CandidateStatement) || context === undefined) return true;
    return this.#decisions.isDecided(statement, context, parameters);
  }

  /** Makes ready what the next execution of a slow statement needs; see WaitingStatements. Never rejects. */
  async #prepare(reading: Reading): Promise<boolean> {
    const { current: catalog } = this.options.catalog;
    if (catalog === undefined) return true;
    try {
      await turnBudget.turn();
      const { result: decision } = turnBudget.spend(() => this.#decisions.ofReading(reading));
      await this.#restrictor.prepare(decision, catalog);
    } catch (error) {
      this.options.log.warn({ err: error }, 'a statement could not be made ready');
      return true;
    }
    return !lacksFragments(reading, this.directory, matchReading(reading, this.directory));
  }

  /** Hands over what is not known yet. Returns true if the context would have to be certain for that. */
  #learn({ statement, parameters, elapsedMs, context, isContextCertain }: Completion): boolean {
    const { current: catalog } = this.options.catalog;
    const mode = context?.mode ?? this.options.mode;
    if (catalog === undefined || mode === 'off' || !(statement instanceof CandidateStatement)) return false;
    if (context === undefined || !isContextCertain) return true;
    const learn = (): void => {
      if (this.#slowForms.has(statement)) return;
      if (turnBudget.isSpent) this.#laterTurns.run(learn);
      else this.#slowForms.note(statement, turnBudget.spend(read).ms);
    };
    const read = (): void => {
      const reading = this.#decisions.read(statement, context, catalog, parameters);
      if (reading === undefined) return;
      const unknown = this.#unknownFragments(reading);
      if (unknown.length === 0) return;
      this.#waiting.add(reading);
      this.options.learn(unknown, elapsedMs);
    };
    if (parameters === undefined || parameters.values.length === 0) learn();
    else void this.#shapes.ask(describing(statement, context, catalog, parameters)).then(learn);
    return false;
  }

  #unknownFragments(reading: Reading): readonly Fragment[] {
    return fragmentsOf(reading).filter(
      ({ partitionKey, hash }) => this.directory.get(partitionKey, hash)?.status !== 'ok',
    );
  }

  #cacheChanged(change: CacheChange): void {
    const partitionKey = change.kind === 'put' ? change.entry.fragment.partitionKey : change.partitionKey;
    if (!this.options.partitionKeys.some(({ name }) => name === partitionKey)) return;
    this.#loader.noteChange(change);
    this.directory.apply(change);
    if (change.kind === 'put') this.#keySets.forget(partitionKey, change.entry.fragment.hash);
    else if (change.kind === 'deleted') this.#keySets.forget(partitionKey, change.hash);
    else this.#keySets.clear();
    this.#directoryChanged();
  }

  /** What was decided by what the directory had before is decided anew. */
  #directoryChanged(): void {
    this.#decisions.directoryChanged();
    this.#waiting.cacheChanged();
  }

  #catalogRead(catalog: Catalog | undefined): void {
    this.#decisions.clear();
    this.#slowForms.clear();
    this.#shapes.clear();
    this.#waiting.clear();
    this.#inspector.useCatalog(catalog);
  }
}
