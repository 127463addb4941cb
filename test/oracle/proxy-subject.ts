import { Client } from 'pg';
import type { TrackedKey } from '../../src/engine/database-engine';
import { EngineHarness } from '../support/engine-harness';
import type { ConnectionOptions } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { boundParameters } from './engine-subject';
import { runDirectly } from './run-directly';
import type { RunnableQuery } from './statement';
import type { Attempt, Outcome, Subject } from './subject';

/** The whole way: a client's session through the proxy, beside one that goes straight to the server. */
export class ProxySubject implements Subject {
  #isInvalid = false;
  /** The statement everything is known of, so that a form which is still being checked is worth waiting for. */
  #learned: string | undefined;

  private constructor(
    private readonly harness: EngineHarness,
    private readonly proxy: RecordedProxy,
    private readonly client: Client,
    private readonly keys: readonly TrackedKey[],
  ) {}

  static async open(
    connection: ConnectionOptions,
    keys: readonly TrackedKey[],
    sessionStart: string,
  ): Promise<ProxySubject> {
    const harness = await EngineHarness.open(connection, keys);
    await harness.client.query(sessionStart);
    const proxy = await startProxy(connection.port, { [connection.database]: harness.engine });
    const client = new Client({ ...connection, port: proxy.port });
    await client.connect();
    await client.query(sessionStart);
    return new ProxySubject(harness, proxy, client, keys);
  }

  async direct(query: RunnableQuery): Promise<Outcome> {
    const outcome = await runDirectly(this.harness.client, query);
    this.#isInvalid = outcome.kind === 'error' && outcome.sqlState.startsWith('42');
    return outcome;
  }

  async through(query: RunnableQuery, place: 'alone' | 'in transaction'): Promise<Attempt> {
    const deadline = Date.now() + (this.#isInvalid || this.#learned !== query.text ? 0 : 2_000);
    for (;;) {
      const attempt = await this.#once(query, place);
      const isBeingAsked = attempt.reason?.endsWith(' yet') === true;
      if (!isBeingAsked || Date.now() > deadline) return attempt;
    }
  }

  async learn(query: RunnableQuery): Promise<void> {
    this.#learned = query.text;
    await this.harness.learn(query.text, boundParameters(query), 'note');
  }

  async forget(): Promise<void> {
    for (const key of this.keys) await this.harness.forget(key);
  }

  /** Throws if the proxy has reported trouble that no client may cause. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
    await this.proxy[Symbol.asyncDispose]();
    await this.harness[Symbol.asyncDispose]();
    const { engineFailures, protocolErrors, scanningGivenUpCount } = this.proxy.events;
    const trouble = [...engineFailures, ...protocolErrors, ...this.proxy.complaints];
    if (trouble.length > 0 || scanningGivenUpCount > 0)
      throw new Error(
        `the proxy reported trouble: ${trouble.join('; ')}; gave up ${scanningGivenUpCount} times`,
      );
  }

  async #once(query: RunnableQuery, place: 'alone' | 'in transaction'): Promise<Attempt> {
    const { statements } = this.proxy.events;
    if (place === 'in transaction') await this.client.query('begin');
    statements.length = 0;
    const outcome = await runDirectly(this.client, query);
    const finished = statements.at(-1);
    if (place === 'in transaction') await this.client.query('rollback');
    if (finished === undefined) return { outcome, isRestricted: false, reason: 'not a candidate' };
    const reason = finished.outcome === 'fellBack' ? 'fell back' : finished.reason;
    return {
      outcome,
      isRestricted: finished.plan === 'rewrite',
      ...(reason === undefined ? {} : { reason }),
    };
  }
}
