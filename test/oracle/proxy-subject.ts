import { isDeepStrictEqual } from 'node:util';
import { Client } from 'pg';
import type { SessionContext } from '../../src/engine/session-context';
import type { StatementFinished } from '../../src/proxy/proxy-events';
import type { TrackedKey } from '../../src/engine/database-engine';
import { EngineHarness } from '../support/engine-harness';
import type { ConnectionOptions } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { boundParameters, isInvalid } from './engine-subject';
import { runStatement, runText } from './run-statement';
import type { Place, RunnableStatement } from './statement-form';
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
    private readonly context: SessionContext,
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
    return new ProxySubject(harness, proxy, client, await harness.context(), keys);
  }

  async direct(statement: RunnableStatement, place: Place): Promise<Outcome> {
    const outcome = await runStatement(this.harness.client, statement, place);
    this.#isInvalid = isInvalid(outcome);
    return outcome;
  }

  async through(statement: RunnableStatement, place: Place): Promise<Attempt> {
    const deadline = Date.now() + (this.#isInvalid || this.#learned !== statement.text ? 0 : 2_000);
    for (;;) {
      const attempt = await this.#once(statement, place);
      if (attempt.isRestricted && this.#learned === statement.text)
        return this.#again(attempt, statement, place);
      const isBeingAsked = attempt.reason === 'catalog not read' || attempt.reason?.endsWith(' yet') === true;
      if (!isBeingAsked || Date.now() > deadline) return attempt;
    }
  }

  async learn(statement: RunnableStatement): Promise<void> {
    if (this.#isInvalid) return;
    this.#learned = statement.text;
    await this.harness.learn(statement.text, boundParameters(statement), 'note', this.context);
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

  /** A text that comes again is run in another way (TextKeeper): the first run that differs is told, or the last. */
  async #again(first: Attempt, statement: RunnableStatement, place: Place): Promise<Attempt> {
    let attempt = first;
    for (let i = 0; i < 3 && isDeepStrictEqual(attempt.outcome, first.outcome); i++)
      attempt = await this.#once(statement, place);
    return attempt;
  }

  async #once(statement: RunnableStatement, place: Place): Promise<Attempt> {
    const { statements } = this.proxy.events;
    let finished: StatementFinished | undefined;
    const outcome = await runStatement(this.client, statement, place, async () => {
      statements.length = 0;
      try {
        return await runText(this.client, statement);
      } finally {
        finished = statements.at(-1);
      }
    });
    if (finished === undefined) return { outcome, isRestricted: false, reason: 'not a candidate' };
    const reason = finished.outcome === 'fellBack' ? 'fell back' : finished.reason;
    return {
      outcome,
      isRestricted: finished.plan === 'rewrite',
      isKept: finished.isKeptText,
      ...(reason === undefined ? {} : { reason }),
    };
  }
}
