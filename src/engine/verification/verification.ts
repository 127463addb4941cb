import type { CacheBackend, EntryDescription } from '../../cache/cache-backend';
import type { ControlPool } from '../../postgres/control-pool';
import type { Catalog } from '../../query/catalog/catalog';
import { CandidateStatement } from '../candidate-statement';
import type { BoundParameters, Completion, RewritePlan } from '../engine';
import type { EngineLog } from '../engine-events';
import type { Experience } from '../experience';
import type { RewriteMemo } from '../restrictor';
import type { SessionContext } from '../session-context';
import { isComparable } from './comparable';
import { compareForms, type ComparedForms, type Comparison } from './compare-forms';

/** failed: one of the forms raised an error, or there was no time for it. */
export type VerificationOutcome = Comparison['outcome'] | 'failed';

/** What `mode: verify` takes. */
export interface VerificationOptions {
  /** Connections whose role may become the clients'. */
  readonly pool: ControlPool;
  /** Share of the restricted executions that are verified, from 0 to 1. */
  readonly share: number;
  /** For each form, in milliseconds. */
  readonly timeoutMs: number;
  readonly verified: (outcome: VerificationOutcome) => void;
  /** Hears of a difference, with all that is needed to see it again. */
  readonly report: (fields: object, message: string) => void;
  /** Literals of clients are in texts. */
  readonly logsSql: boolean;
}

/** What of the engine it works with. */
export interface VerifiedEngine {
  readonly backend: CacheBackend;
  readonly catalog: { readonly current: Catalog | undefined };
  readonly log: EngineLog;
}

/**
 * `mode: verify`. After a share of the restricted statements, both forms are run in one snapshot on a connection of our own, and their results
 * compared. A difference is what must never be: the statement's form is not restricted any more, the entries it rested on are given up, and the
 * log has what is needed to find out why. One at a time, and nobody waits for it: what comes while one is under way is left out.
 */
export class Verification {
  readonly #told = new Set<string>();
  #isBusy = false;

  constructor(
    private readonly options: VerificationOptions | undefined,
    private readonly experience: Experience,
    private readonly engine: VerifiedEngine,
  ) {}

  /** Called after each execution; never throws. */
  completed({ statement, plan, context, isContextCertain, parameters }: Completion): void {
    const { options, engine } = this;
    if (options === undefined || this.#isBusy || plan.kind !== 'rewrite') return;
    if (Math.random() >= options.share) return;
    const catalog = engine.catalog.current;
    if (!(statement instanceof CandidateStatement) || catalog === undefined) return;
    if (context === undefined || !isContextCertain || plan.tables !== undefined) return;
    const values = valuesOf(parameters, context);
    if (values === undefined || !isComparable(statement, catalog)) return;
    this.#isBusy = true;
    void this.#verify(options, statement, plan, context, values).finally(() => (this.#isBusy = false));
  }

  /** Never rejects. */
  async #verify(
    options: VerificationOptions,
    statement: CandidateStatement,
    plan: RewritePlan,
    context: SessionContext,
    values: ComparedForms['values'],
  ): Promise<void> {
    const { pool, timeoutMs, verified } = options;
    const forms = { original: statement.text, restricted: plan.text, values };
    try {
      const comparison = await pool.withClient((client) => compareForms(client, forms, context, timeoutMs));
      verified(comparison.outcome);
      if (comparison.outcome === 'different')
        await this.#giveUp(options, statement, plan, context, comparison);
    } catch (error) {
      verified('failed');
      this.#tell(error, statement);
    }
  }

  #tell(error: unknown, { fingerprint }: CandidateStatement): void {
    const reason = error instanceof Error ? error.message : String(error);
    const fields = { err: error, fingerprint };
    if (this.#told.has(reason) || this.#told.size >= maxTold) {
      this.engine.log.debug(fields, 'a statement could not be verified');
    } else {
      this.#told.add(reason);
      this.engine.log.warn(
        fields,
        'a statement could not be verified; others for the same reason are not told',
      );
    }
  }

  async #giveUp(
    { report, logsSql }: VerificationOptions,
    { text, fingerprint, experience: shape }: CandidateStatement,
    plan: RewritePlan,
    context: SessionContext,
    { originalRows, restrictedRows }: Extract<Comparison, { outcome: 'different' }>,
  ): Promise<void> {
    const { backend } = this.engine;
    this.experience.distrust(shape);
    const { entries } = plan.memo as RewriteMemo;
    const reproduction = {
      ...{ user: context.userName, settings: context.settings, searchPath: context.searchPath },
      ...(logsSql ? { original: text, restricted: plan.text } : {}),
    };
    report(
      { fingerprint, originalRows, restrictedRows, entries, ...reproduction },
      'a restricted statement has another result than the original: please report this; neither it nor its entries are used any more',
    );
    for (const { key, hash } of entries) {
      const entry = await backend.describe(key, hash);
      if (entry !== undefined) await backend.put(givenUp(entry));
    }
  }
}

/** Reasons that are told once, such as a role that our own may not become. */
const maxTold = 100;
const manyFailures = 1_000;

/** Not run again until somebody deletes it. */
function givenUp(entry: EntryDescription): EntryDescription & { readonly keys: undefined } {
  return {
    ...entry,
    ...{ status: 'failed', keyCount: 0, hasNullKey: false, keys: undefined, failures: manyFailures },
    error: 'a statement restricted by it had another result than the original',
  };
}

/** As `pg` sends them; undefined if they would not arrive as the client sent them. */
function valuesOf(
  parameters: BoundParameters | undefined,
  { clientEncoding }: SessionContext,
): ComparedForms['values'] | undefined {
  if (parameters === undefined) return [];
  const { values, formats, declaredOids } = parameters;
  // Types are left to the server, which infers what it inferred for the client.
  if (declaredOids.some((oid) => oid !== 0)) return values.length === 0 ? [] : undefined;
  const isBinary = (i: number): boolean => (formats.length === 1 ? formats[0] : formats[i]) === 1;
  if (clientEncoding !== 'UTF8' && values.some((value, i) => value !== null && !isBinary(i)))
    return undefined;
  return values.map((value, i) => (value === null || isBinary(i) ? value : value.toString('utf8')));
}
