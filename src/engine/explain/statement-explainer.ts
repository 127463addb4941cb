import type { Directory } from '../../cache/directory';
import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import type { Catalog } from '../../query/catalog/catalog';
import type { PartitionKey } from '../../query/partition-key';
import { CandidateStatement } from '../candidate-statement';
import { Decision, describing } from '../decision';
import type {
  AppliedRestriction,
  BoundParameters,
  ForwardPlan,
  InspectedStatement,
  PlanRequest,
  RewritePlan,
} from '../engine';
import type { ChoiceReason, Experience } from '../experience';
import { switchedOff } from '../inspector';
import { readStatement, type Reading } from '../reading';
import type { Restrictor } from '../restrictor';
import type { SessionContext } from '../session-context';
import type { ShapeBook } from '../shape-book';
import { turnBudget } from '../turn-budget';
import { explainBlocks } from './explain-blocks';
import type { Explanation, FailedEntry, RestrictedForm } from './explanation';

export interface StatementExplainerOptions {
  readonly mode: Explanation['mode'];
  readonly partitionKeys: readonly PartitionKey[];
  readonly directory: Directory;
  readonly restrictor: Restrictor;
  readonly experience: Experience;
  readonly shapes: ShapeBook;
  readonly catalog: { readonly current: Catalog | undefined };
  /** When a fragment whose last run did not end ok is tried again, in milliseconds since 1970. */
  readonly retryAt: (entry: FailedEntry) => number | undefined;
}

const nothing = {
  fingerprint: undefined,
  coverage: undefined,
  blocks: [],
  restricted: undefined,
} as const;

/**
 * Explains what the engine would do with a statement. In the order in which DatabaseEngine decides, but to the end: what would
 * only be asked for in the background is waited for, and a reason not to restrict does not keep the restricted form from being
 * made. Nothing of it counts: no set as used, no form as run, nothing as wanted.
 */
export class StatementExplainer {
  constructor(private readonly options: StatementExplainerOptions) {}

  /** Rejects only for a bug, or a store that fails in a way of its own. */
  async explain(request: PlanRequest, assumed: SessionContext | undefined): Promise<Explanation> {
    const { statement, context, parameters } = request;
    const mode = context?.mode ?? this.options.mode;
    const catalog = this.options.catalog.current;
    const left = (reason: string): Explanation => ({ ...nothing, mode, reason });
    if (!(statement instanceof CandidateStatement)) return left(reasonOfOther(statement));
    if (catalog === undefined) return left('catalog not read');
    if (assumed === undefined) return left('context unknown');
    const reading = await this.#read(statement, assumed, catalog, parameters);
    if (reading === undefined) return left('shape check');
    await turnBudget.turn();
    const { result: decision } = turnBudget.spend(() => new Decision(0, reading, this.options.directory));
    const plan = await this.#preview(request, decision, catalog);
    if (this.options.catalog.current !== catalog) return left('catalog not read');
    const { directory, restrictor, retryAt } = this.options;
    const isRewritten = plan?.kind === 'rewrite';
    return {
      mode,
      reason: this.#reason(request, mode, decision, plan),
      fingerprint: statement.fingerprint,
      coverage: decision.coverage,
      blocks: turnBudget.spend(() =>
        explainBlocks(decision, plan, {
          directory,
          retryAt,
          keysKept: (match) => restrictor.keysKept(match, catalog),
          totalKeys: (partitionKey) => catalog.keyCounts.get(partitionKey),
        }),
      ).result,
      restricted: isRewritten ? this.#form(statement, plan) : undefined,
    };
  }

  /** undefined if the server does not take the statement, so that the types of its parameters are not known. */
  async #read(
    statement: CandidateStatement,
    context: SessionContext,
    catalog: Catalog,
    parameters: BoundParameters | undefined,
  ): Promise<Reading | undefined> {
    let parameterOids: readonly number[] = [];
    if (parameters !== undefined && parameters.values.length > 0) {
      const shape = await this.options.shapes.ask(describing(statement, context, catalog, parameters));
      if (!shape.isValid) return undefined;
      ({ parameterOids } = shape);
    }
    const given = parameterOids.length > 0 ? parameters : undefined;
    await turnBudget.turn();
    const { partitionKeys } = this.options;
    return turnBudget.spend(() =>
      readStatement(statement, context, catalog, partitionKeys, given, parameterOids),
    ).result;
  }

  async #preview(
    means: PlanRequest,
    decision: Decision,
    catalog: Catalog,
  ): Promise<RewritePlan | ForwardPlan | undefined> {
    if (decision.matches.length === 0) return undefined;
    try {
      return await this.options.restrictor.preview(decision, catalog, means);
    } catch (error) {
      if (error instanceof CacheUnavailableError) return { kind: 'forward', reason: 'cache unavailable' };
      throw error;
    }
  }

  #reason(
    { statement, isContextCertain, canRetry }: PlanRequest,
    mode: Explanation['mode'],
    decision: Decision,
    plan: RewritePlan | ForwardPlan | undefined,
  ): string | undefined {
    const { directory, experience } = this.options;
    const { analysis } = decision.reading;
    const { matches } = decision;
    if (mode === 'off') return 'switched off';
    if ('refused' in analysis) return analysis.refused;
    if (directory.size === 0) return 'nothing cached';
    if (matches.length === 0) return 'miss';
    if (!isContextCertain) return 'context uncertain';
    if (analysis.mayRaise && !canRetry) return 'may raise an error';
    if (statement instanceof CandidateStatement) {
      const objection = experience.peekObjection(statement.experience, performance.now());
      const isForced = this.options.restrictor.isForced(decision);
      if (objection !== undefined && !(isForced && objection === 'slower when restricted')) return objection;
    }
    if (mode === 'observe') return 'observe mode';
    return plan?.kind === 'forward' ? plan.reason : undefined;
  }

  #form(statement: CandidateStatement, plan: RewritePlan): RestrictedForm {
    const { text, insertions, parameterOids, tables = [], mustRetryOnError, restriction } = plan;
    const { method, columns, isGuarded } = restriction;
    const [only] = statement.statements;
    return {
      text,
      insertions,
      parameterOids,
      tables,
      method: `${method}, on ${columns.join(', ')}${isGuarded ? ', as constants with a guard' : ''}`,
      why: this.#why(statement, restriction),
      mayRaise: mustRetryOnError,
      isReadOnly: statement.isSingle && only?.kind === 'select' && !only.writes,
    };
  }

  #why({ experience: shape }: CandidateStatement, { why, lacksTables }: AppliedRestriction): string {
    const directMs = this.options.experience.directMs(shape);
    const asItCame =
      directMs === undefined ? '' : `; as it came the statement takes ${directMs.toFixed(1)} ms`;
    const instead = lacksTables ? `${insteadOfTables}; ` : '';
    return `${instead}${choices[why]}${asItCame}`;
  }
}

const insteadOfTables =
  'inline in place of a temporary table, which is made only for a single SELECT that is alone in its message, outside of ' +
  'transaction blocks and pipelines, by a session that may make one, and not for EXPLAIN ANALYZE';

const choices: Readonly<Record<ChoiceReason, string>> = {
  only: 'there is no other form',
  tried: 'each form is tried before one is preferred',
  fastest: 'the fastest of the forms, as measured',
};

/** Why a statement is none that could be restricted. */
export function reasonOfOther({ text }: InspectedStatement): string {
  return switchedOff.test(text) ? 'switched off' : 'not a candidate';
}
