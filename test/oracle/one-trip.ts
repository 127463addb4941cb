import { Client, DatabaseError, type QueryArrayResult } from 'pg';
import type { SessionContext } from '../../src/engine/session-context';
import { ShapeChecker, type Shape } from '../../src/engine/shape-checker';
import type { FragmentOutcome } from '../../src/population/fragment-source';
import { keyTypeOid, readBinaryKey } from '../../src/population/sources/binary-key';
import type { PartitionValue } from '../../src/query/partition-key';
import type { ControlPool } from '../../src/postgres/control-pool';
import { quoteIdentifier, quoteLiteral } from '../../src/query/ast/quote';
import type { Catalog } from '../../src/query/catalog/catalog';
import type { Fragment } from '../../src/query/fragment/fragment';
import type { HarnessWays } from '../support/engine-harness';
import type { ConnectionOptions } from '../support/postgres-server';

/** One run in so many is left to the engine's own way. */
const ownWayEvery = 8;
/** Types below are written down in PostgreSQL's sources (its FirstGenbkiObjectId), and none is a domain. */
const firstUnwrittenOid = 10_000;

/**
 * What the engine asks of the server about a statement, in one message each instead of seven: a long run of the oracle mostly waits for
 * messages. What does not go smoothly, and every eighth run, is left to the engine's own way.
 */
export class OneTripSession implements AsyncDisposable {
  #runs = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly client: Client) {}

  static async open(connection: ConnectionOptions): Promise<OneTripSession> {
    const client = new Client(connection);
    await client.connect();
    return new OneTripSession(client);
  }

  /** The fragments' keys, all read in one snapshot; undefined: to be run one by one. */
  async runFragments(fragments: readonly Fragment[]): Promise<readonly FragmentOutcome[] | undefined> {
    const [first] = fragments;
    if (first === undefined || this.#isOwnWaysTurn()) return undefined;
    const texts = fragments.map(
      ({ sql }) =>
        `select pg_catalog.encode(pg_catalog.record_send(row(f.key)), 'hex') from (${sql}\n) as f (key)`,
    );
    const results = await this.#inTransaction(
      'begin isolation level repeatable read read only',
      first.settings,
      [
        `set local statement_timeout = 60000; set local client_encoding = 'UTF8'`,
        'select pg_catalog.pg_current_snapshot()::pg_catalog.text',
        ...texts,
      ],
    );
    if (results === undefined) return undefined;
    const [[snapshot = ''] = [], ...keys] = results;
    const outcomes = fragments.map((fragment, i) => outcomeOf(fragment, keys[i] ?? [], snapshot));
    return outcomes.includes(undefined) ? undefined : (outcomes as FragmentOutcome[]);
  }

  /** What the server makes of a statement; undefined: to be asked again in the engine's own way. */
  async check(text: string, typeNames: readonly string[], settings: Settings): Promise<Shape | undefined> {
    if (this.#isOwnWaysTurn()) return undefined;
    const signature = typeNames.length > 0 ? ` (${typeNames.join(', ')})` : '';
    const results = await this.#inTransaction('begin read only', settings, [
      `prepare one_trip${signature} as ${text}\n`,
      `select array_to_string(parameter_types::pg_catalog.oid[], ' ') from pg_catalog.pg_prepared_statements where name = 'one_trip'`,
      'deallocate one_trip',
    ]);
    const oids = results?.at(-1)?.[0];
    if (oids === undefined) return undefined;
    return { isValid: true, parameterOids: oids.split(' ').filter(Boolean).map(Number) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
  }

  #isOwnWaysTurn(): boolean {
    return this.#runs++ % ownWayEvery === 0;
  }

  /** The same as `runInTransaction`, one after the other: the engine asks several things at once. */
  #inTransaction(
    ...question: Parameters<OneTripSession['runInTransaction']>
  ): Promise<readonly (readonly string[])[] | undefined> {
    const answer = this.#last.then(() => this.runInTransaction(...question));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** The first column of each text's rows; undefined if anything failed, or a setting is not as it should be. */
  private async runInTransaction(
    begin: string,
    settings: Settings,
    texts: readonly string[],
  ): Promise<readonly (readonly string[])[] | undefined> {
    const names = Object.keys(settings);
    const applied = names.map(
      (name) => `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(settings[name] ?? '')}, true)`,
    );
    try {
      const all = (await this.client.query({
        text: [begin, `select ${applied.join(', ')}`, ...texts, 'rollback'].join('\n;'),
        rowMode: 'array',
      })) as unknown as readonly QueryArrayResult<string[]>[];
      const [values = [], ...results] = all
        .filter(({ command }) => command === 'SELECT')
        .map(({ rows }) => rows);
      if (!names.every((name, i) => values[0]?.[i] === settings[name])) return undefined;
      return results.map((rows) => rows.map(([value = '']) => value));
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      await this.client.query('rollback; deallocate all');
      return undefined;
    }
  }
}

type Settings = Readonly<Record<string, string>>;

function outcomeOf(
  { datatype }: Fragment,
  records: readonly string[],
  snapshot: string,
): FragmentOutcome | undefined {
  const keys: PartitionValue[] = [];
  let hasNullKey = false;
  for (const hex of records) {
    const record = Buffer.from(hex, 'hex');
    if (keyTypeOid(record) >= firstUnwrittenOid) return undefined;
    const key = readBinaryKey(datatype, record, keyTypeOid(record));
    if (key === null) hasNullKey = true;
    else keys.push(key);
  }
  return { status: 'ok', keys, hasNullKey, snapshot };
}

/** Asks in one message, and where that does not go smoothly in the engine's own way. */
export class OneTripShapeChecker extends ShapeChecker {
  constructor(
    pool: ControlPool,
    private readonly session: OneTripSession,
  ) {
    super(pool);
  }

  override async check(
    text: string,
    parameterOids: readonly number[],
    context: SessionContext,
    catalog: Catalog,
  ): Promise<Shape> {
    const typeNames = parameterOids.map((oid) => {
      const type = catalog.type(oid);
      return type === undefined ? 'unknown' : `${quoteIdentifier(type.schema)}.${quoteIdentifier(type.name)}`;
    });
    return (
      (await this.session.check(text, typeNames, context.settings)) ??
      (await super.check(text, parameterOids, context, catalog))
    );
  }
}

/** A harness that asks in this way. */
export function waysOf(session: OneTripSession): HarnessWays {
  return {
    runFragments: (fragments) => session.runFragments(fragments),
    shapeChecker: (pool) => new OneTripShapeChecker(pool, session),
  };
}
