import type { Client } from 'pg';
import type { TrackedKey } from '../../src/engine/database-engine';
import type { BoundParameters, ForwardPlan, Plan, RewritePlan } from '../../src/engine/engine';
import { singleColumns } from '../../src/engine/form';
import type { SessionContext } from '../../src/engine/session-context';
import { EngineHarness } from '../support/engine-harness';
import type { ConnectionOptions } from '../support/postgres-server';
import { OneTripSession, waysOf } from './one-trip';
import { runStatement, runText } from './run-statement';
import type { Place, RunnableStatement } from './statement-form';
import type { Attempt, Outcome, Subject } from './subject';

/** With one method. */
const mostFormsTried = singleColumns.length + 1;

/** The engine without a proxy: plans are run here as the proxy would run them. */
export class EngineSubject implements Subject {
  /** The last statement was not even taken by the server, which will never say what its parameters are. */
  #isInvalid = false;
  /** The statement everything is known of, so that a form which is still being checked is worth waiting for. */
  #learned: string | undefined;

  private constructor(
    private readonly harness: EngineHarness,
    private readonly client: Client,
    private readonly context: SessionContext,
    private readonly keys: readonly TrackedKey[],
    private readonly oneTrip: OneTripSession,
  ) {}

  /** @param sessionStart what every session of the client does first */
  static async open(
    connection: ConnectionOptions,
    keys: readonly TrackedKey[],
    sessionStart: string,
  ): Promise<EngineSubject> {
    const oneTrip = await OneTripSession.open(connection);
    const harness = await EngineHarness.open(connection, keys, {}, waysOf(oneTrip));
    await harness.client.query(sessionStart);
    return new EngineSubject(harness, harness.client, await harness.context(), keys, oneTrip);
  }

  async direct(statement: RunnableStatement, place: Place): Promise<Outcome> {
    const outcome = await runStatement(this.client, statement, place);
    this.#isInvalid = isInvalid(outcome);
    return outcome;
  }

  async through(statement: RunnableStatement, place: Place): Promise<Attempt> {
    const canRetry = (statement.place ?? place) === 'alone';
    const plan = await this.#plan(statement, canRetry);
    if (plan.kind === 'needsContext') throw new Error('the context is certain');
    if (plan.kind === 'forward') {
      const outcome = await runStatement(this.client, statement, place);
      return { outcome, isRestricted: false, reason: plan.reason, showsTexts: true };
    }
    const { text } = plan;
    const outcome = await runStatement(this.client, statement, place, () =>
      runText(this.client, statement, text),
    );
    if (outcome.kind !== 'error' || !plan.mustRetryOnError)
      return { outcome, isRestricted: true, text, showsTexts: true };
    this.#completed(statement, plan, 'fellBack');
    const original = await runStatement(this.client, statement, place);
    return { outcome: original, isRestricted: true, reason: 'fell back', text };
  }

  async learn(statement: RunnableStatement): Promise<void> {
    if (this.#isInvalid) return;
    this.#learned = statement.text;
    await this.harness.learn(statement.text, boundParameters(statement), 'note', this.context);
  }

  async forget(): Promise<void> {
    for (const key of this.keys) await this.harness.forget(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.harness[Symbol.asyncDispose]();
    await this.oneTrip[Symbol.asyncDispose]();
  }

  /**
   * Plans again and again while the server is being asked about a form of the statement, and then until it is the turn of one of its forms, which
   * its text decides: they are tried one after the other.
   */
  async #plan(query: RunnableStatement, canRetry: boolean): Promise<Plan> {
    const parameters = boundParameters(query);
    const request = {
      statement: this.harness.engine.inspect(query.text),
      context: this.context,
      isContextCertain: true,
      canRetry,
      ...(parameters === undefined ? {} : { parameters }),
    };
    const deadline = Date.now() + (this.#isInvalid || this.#learned !== query.text ? 0 : 2_000);
    let formsToSkip = query.text.length % mostFormsTried;
    for (;;) {
      const plan = await this.harness.engine.plan(request);
      if (plan.kind === 'rewrite' && formsToSkip-- > 0) {
        this.#completed(query, plan, 'complete');
        continue;
      }
      const isBeingAsked = plan.kind === 'forward' && plan.reason.endsWith(' yet');
      if (!isBeingAsked || Date.now() > deadline) return plan;
      await this.harness.answered();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #completed(
    query: RunnableStatement,
    plan: ForwardPlan | RewritePlan,
    outcome: 'fellBack' | 'complete',
  ): void {
    this.harness.engine.completed({
      statement: this.harness.engine.inspect(query.text),
      plan,
      outcome,
      elapsedMs: 1,
      isTimed: true,
      context: this.context,
      isContextCertain: true,
    });
  }
}

/** Whether the server did not even take the statement. */
export function isInvalid(outcome: Outcome): boolean {
  return outcome.kind === 'error' && outcome.sqlState.startsWith('42');
}

/** The values as `pg` binds them: their types left to the server, buffers in binary. */
export function boundParameters({ values }: RunnableStatement): BoundParameters | undefined {
  return values === undefined
    ? undefined
    : {
        declaredOids: [],
        formats: values.map((value) => (typeof value === 'string' ? 0 : 1)),
        values: values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value)),
      };
}
