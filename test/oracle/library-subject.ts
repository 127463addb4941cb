import { Client } from 'pg';
import { applyCacheLazy, type CacheHelper, createCacheHelper, populate } from '../../src';
import type { TrackedKey } from '../../src/engine/database-engine';
import { quoteIdentifier } from '../../src/query/ast/quote';
import type { ConnectionOptions } from '../support/postgres-server';
import { isInvalid } from './engine-subject';
import { runStatement, runText } from './run-statement';
import type { Place, RunnableStatement } from './statement-form';
import type { Attempt, Outcome, Subject } from './subject';

/** Entries are taken from under every so many-th statement, between its text and its run. */
const disturbedEvery = 4;

/**
 * The library's applyCacheLazy: keys are read where they are, by the statement itself, one helper after the other adding those of its partition key. Now and
 * then entries are removed behind the back of all.
 */
export class LibrarySubject implements Subject {
  #isInvalid = false;
  #count = 0;

  private constructor(
    private readonly client: Client,
    private readonly helpers: readonly CacheHelper[],
  ) {}

  static async open(
    connection: ConnectionOptions,
    keys: readonly TrackedKey[],
    sessionStart: string,
  ): Promise<LibrarySubject> {
    const client = new Client(connection);
    await client.connect();
    await client.query(sessionStart);
    const helpers: CacheHelper[] = [];
    for (const { name, datatype, tables } of keys.filter((key) => key.tables.size > 0))
      helpers.push(
        await createCacheHelper('postgresql_array', name, datatype, {
          ...{ connection, tables: quoted(tables), consistency: 'static', maxKeyShare: 1 },
          setUp: true,
        }),
      );
    return new LibrarySubject(client, helpers);
  }

  async direct(statement: RunnableStatement, place: Place): Promise<Outcome> {
    const outcome = await runStatement(this.client, statement, place);
    this.#isInvalid = isInvalid(outcome);
    return outcome;
  }

  async through(statement: RunnableStatement, place: Place): Promise<Attempt> {
    // Without that promise there is nothing to hide an error.
    const canRetry = (statement.place ?? place) === 'alone' && this.#count % 3 > 0;
    const text = statement.values === undefined ? await this.#apply(statement, canRetry) : statement.text;
    const isRestricted = text !== statement.text;
    if (isRestricted && ++this.#count % disturbedEvery === 0) await this.#disturb();
    const run = (own: string): Promise<Outcome> =>
      runStatement(this.client, statement, place, () => runText(this.client, statement, own));
    const outcome = await run(text);
    // That is what `retriesOnError` promises.
    if (outcome.kind === 'error' && isRestricted && canRetry)
      return { outcome: await run(statement.text), isRestricted, reason: 'fell back', text };
    return { outcome, isRestricted, text };
  }

  async learn(statement: RunnableStatement): Promise<void> {
    if (this.#isInvalid) return;
    for (const cacheHandler of this.helpers)
      await populate({ query: statement.text, cacheHandler, session: this.client });
  }

  async forget(): Promise<void> {
    for (const helper of this.helpers) for (const key of await helper.getAllKeys()) await helper.delete(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const helper of this.helpers) await helper.close();
    await this.client.end();
  }

  async #apply({ text }: RunnableStatement, retriesOnError: boolean): Promise<string> {
    let query = text;
    for (const cacheHandler of this.helpers) {
      const method = this.#count % 2 === 0 ? 'IN_SUBQUERY' : 'IN';
      const asked = { method, session: this.client, retriesOnError } as const;
      const applied = await applyCacheLazy({ ...asked, query, cacheHandler });
      query = applied.query;
    }
    return query;
  }

  async #disturb(): Promise<void> {
    await this.client.query(
      `delete from pcache.cache_entry where hash in (select hash from pcache.cache_entry order by random() limit 5)`,
    );
  }
}

/** As a configuration has them. */
function quoted(tables: TrackedKey['tables']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...tables].map(([name, column]) => [
      name.split('.').map(quoteIdentifier).join('.'),
      quoteIdentifier(column),
    ]),
  );
}
