import type { Client } from 'pg';
import type { TrackedKey } from '../../src/engine/database-engine';
import type { BoundParameters, ForwardPlan, Plan, RewritePlan } from '../../src/engine/engine';
import type { SessionContext } from '../../src/engine/session-context';
import { EngineHarness } from '../support/engine-harness';
import type { ConnectionOptions } from '../support/postgres-server';
import { runDirectly } from './run-directly';
import type { RunnableQuery } from './statement';
import type { Attempt, Outcome, Subject } from './subject';

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
  ) {}

  /** @param sessionStart what every session of the client does first */
  static async open(
    connection: ConnectionOptions,
    keys: readonly TrackedKey[],
    sessionStart: string,
  ): Promise<EngineSubject> {
    const harness = await EngineHarness.open(connection, keys);
    await harness.client.query(sessionStart);
    return new EngineSubject(harness, harness.client, await harness.context(), keys);
  }

  async direct(query: RunnableQuery): Promise<Outcome> {
    const outcome = await runDirectly(this.client, query);
    this.#isInvalid = outcome.kind === 'error' && outcome.sqlState.startsWith('42');
    return outcome;
  }

  async through(query: RunnableQuery, place: 'alone' | 'in transaction'): Promise<Attempt> {
    const plan = await this.#plan(query, place === 'alone');
    if (plan.kind === 'needsContext') throw new Error('the context is certain');
    if (plan.kind === 'forward')
      return { outcome: await this.#run(query, place), isRestricted: false, reason: plan.reason };
    const outcome = await this.#run({ ...query, text: plan.text }, place);
    if (outcome.kind !== 'error' || !plan.mustRetryOnError)
      return { outcome, isRestricted: true, text: plan.text };
    this.#completed(query, plan, 'fellBack');
    return {
      outcome: await this.#run(query, place),
      isRestricted: true,
      reason: 'fell back',
      text: plan.text,
    };
  }

  async learn(query: RunnableQuery): Promise<void> {
    this.#learned = query.text;
    await this.harness.learn(query.text, boundParameters(query), 'note');
  }

  async forget(): Promise<void> {
    for (const key of this.keys) await this.harness.forget(key);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.harness[Symbol.asyncDispose]();
  }

  /** Plans again and again while the server is being asked about a form of the statement. */
  async #plan(query: RunnableQuery, canRetry: boolean): Promise<Plan> {
    const parameters = boundParameters(query);
    const request = {
      statement: this.harness.engine.inspect(query.text),
      context: this.context,
      isContextCertain: true,
      canRetry,
      ...(parameters === undefined ? {} : { parameters }),
    };
    const deadline = Date.now() + (this.#isInvalid || this.#learned !== query.text ? 0 : 2_000);
    for (;;) {
      const plan = await this.harness.engine.plan(request);
      const isBeingAsked = plan.kind === 'forward' && plan.reason.endsWith(' yet');
      if (!isBeingAsked || Date.now() > deadline) return plan;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #run(query: RunnableQuery, place: 'alone' | 'in transaction'): Promise<Outcome> {
    if (place === 'alone') return this.direct(query);
    await this.client.query('begin');
    try {
      return await this.direct(query);
    } finally {
      await this.client.query('rollback');
    }
  }

  #completed(query: RunnableQuery, plan: ForwardPlan | RewritePlan, outcome: 'fellBack'): void {
    this.harness.engine.completed({
      statement: this.harness.engine.inspect(query.text),
      plan,
      outcome,
      elapsedMs: 1,
      context: this.context,
      isContextCertain: true,
    });
  }
}

/** The values as `pg` binds them: text, their types left to the server. */
export function boundParameters({ values }: RunnableQuery): BoundParameters | undefined {
  return values === undefined
    ? undefined
    : { declaredOids: [], formats: [], values: values.map((value) => Buffer.from(value)) };
}
