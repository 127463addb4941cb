import { setTimeout as delay } from 'node:timers/promises';
import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import { ControlConnectionError } from '../../errors/control-connection-error';
import { ControlQueryError } from '../../errors/control-query-error';
import type { CacheEntry, EntryDescription } from '../../cache/cache-backend';
import type { InPlaceStore } from '../../cache/in-place';
import { type EntryStamp, hastenDurability, isDurable, stampEntry } from '../../freshness/entry-stamp';
import type { ControlClient, QueryOptions } from '../../postgres/control-client';
import type { ControlPool } from '../../postgres/control-pool';
import { atMostLongest } from '../../postgres/deadline';
import { sqlFile } from '../../postgres/sql-files';
import type { Fragment } from '../../query/fragment/fragment';
import type { PartitionValue } from '../../query/partition-key';
import type { FragmentOutcome, FragmentSource } from '../fragment-source';
import { keyTypeOid, readBinaryKey, UnreadableKeyError } from './binary-key';
import { besidesKnown, changedSince, changesSince } from './changes-since';
import { type KeyShareLimit, objectionToShare } from './expected-share';
import { applyFragmentSettings } from './fragment-settings';
import { checkInPlace, NotInPlaceError, runInPlace } from './in-place-run';
import { type FollowedPrimary, type PrimaryStamp, StandbyNotReadyError } from './followed-primary';
import { baseTypeOf } from './key-type';
import { type RunLimits, runLimits, RunTimeoutError, serverGraceMs } from './run-limits';

const beginRun = sqlFile('begin-fragment-run');
const beginWritingRun = sqlFile('begin-writing-run');
const limitRun = sqlFile('limit-fragment-run');
const fetchKeys = sqlFile('fetch-fragment-keys');
const endRun = sqlFile('end-fragment-run');

/** Of the keys of a fragment. */
export const defaultMaxTextBytes = 64 * 1024 * 1024;

export interface PostgresqlSourceOptions {
  /** Lent, not owned. At least as many connections as fragments are to run at once. */
  readonly pool: ControlPool;
  /** For all of a fragment's run, connecting left out. */
  readonly timeoutMs: number;
  /** More keys than that end a run as too_large. */
  readonly maxKeys: number;
  /** So do more bytes of text. */
  readonly maxTextBytes?: number;
  /** Where the changes of a partition key's tables are logged; undefined for a key whose data is promised not to change. */
  readonly changeLogOf?: (partitionKey: string) => string | undefined;
  /** Fragments that are expected to have more keys are not run; undefined: that cannot be told of the key's. */
  readonly shareLimitOf?: (partitionKey: string) => KeyShareLimit | undefined;
  /** Whose standby the pool leads to; fragments are then run there, for statements on the primary. */
  readonly primary?: FollowedPrimary;
  /** A text with the same keys that the server may find sooner; undefined: there is none (src/engine/narrowed-fragment.ts). */
  readonly narrowed?: (fragment: Fragment) => Promise<string | undefined>;
  /** Has keys stored where they are computed, if they can be; they pass through this process only if not. */
  readonly inPlace?: InPlacePopulation;
}

interface RunParts {
  /** What is run: the fragment's own, or one with the same keys. */
  readonly text: string;
  /** As of `run`. */
  readonly known?: CacheEntry | undefined;
  readonly followed?: { readonly primary: FollowedPrimary; readonly stamp: PrimaryStamp };
}

export interface InPlacePopulation {
  /** undefined: it cannot be for now. */
  readonly store: () => InPlaceStore | undefined;
  /** Why a fragment is run the other way, as a sentence. */
  readonly refused: (reason: string) => void;
}

/** A transaction in which a fragment can be run. */
interface PreparedRun<Changes> {
  readonly changeLog: string | undefined;
  readonly stamp: EntryStamp | undefined;
  readonly changes: Changes | undefined;
  readonly snapshot: string;
}

/** Serialization failures, and a lock or a standby's conflict: the next attempt may well go through. */
const isWorthAnotherAttempt = /^(40|55P03)/;
/** A busy server writes its log out by itself at any moment. */
const durabilityPollMs = 20;
/** A standby that is further behind is waited for by the queue, which has other things to do meanwhile. */
const maxReplayMs = 10_000;
const QUERY_CANCELED = '57014';
const INSUFFICIENT_PRIVILEGE = '42501';

/** Runs fragments on a PostgreSQL server: one connection and one REPEATABLE READ transaction each (rule F1). */
export class PostgresqlSource implements FragmentSource {
  readonly name = 'postgresql';

  constructor(private readonly options: PostgresqlSourceOptions) {}

  /**
   * @param known an entry of the fragment: if what changed since can be told, only those keys are looked at again (rule F6); where the data is
   *   promised not to change, only keys that the entry has not
   */
  async run(fragment: Fragment, signal: AbortSignal, known?: CacheEntry): Promise<FragmentOutcome> {
    const { primary, timeoutMs } = this.options;
    if (primary !== undefined)
      return this.#onStandby(primary, fragment, runLimits(timeoutMs + maxReplayMs, signal), signal);
    const narrowed = known === undefined ? await this.options.narrowed?.(fragment) : undefined;
    if (narrowed !== undefined) {
      const outcome = await this.#runText(narrowed, fragment, signal, undefined);
      // A restriction has conditions evaluated on other rows, on which they may raise an error (rule S12); or is wrong itself.
      if (outcome.status !== 'failed') return outcome;
    }
    return this.#runText(fragment.sql, fragment, signal, known);
  }

  async #runText(
    text: string,
    fragment: Fragment,
    signal: AbortSignal,
    known: CacheEntry | undefined,
  ): Promise<FragmentOutcome> {
    const stored = known === undefined ? await this.#inPlace(fragment, signal, undefined, text) : undefined;
    return (
      stored ??
      this.#attempt(fragment, signal, (client) => this.#runOn(client, fragment, signal, { known, text }))
    );
  }

  async #onStandby(
    primary: FollowedPrimary,
    fragment: Fragment,
    limits: RunLimits,
    signal: AbortSignal,
  ): Promise<FragmentOutcome> {
    const { timeoutMs } = this.options;
    const run = async (client: ControlClient): Promise<FragmentOutcome> => {
      const stamp = await primary.stamp(fragment, limits);
      if ('problem' in stamp) return { status: 'failed', error: stamp.problem };
      await primary.whenReplayed(client, stamp, limits, Math.min(timeoutMs, maxReplayMs));
      return this.#runOn(client, fragment, signal, { text: fragment.sql, followed: { primary, stamp } });
    };
    return this.#attempt(fragment, signal, run);
  }

  /** Whether `renewInPlace` is worth asking. */
  get isInPlace(): boolean {
    return this.options.inPlace?.store() !== undefined;
  }

  /** Brings an entry up to date where it is, as `run` does here; undefined if that cannot be. */
  renewInPlace(known: EntryDescription, signal: AbortSignal): Promise<FragmentOutcome | undefined> {
    return this.#inPlace(known.fragment, signal, known);
  }

  async #inPlace(
    fragment: Fragment,
    signal: AbortSignal,
    known: EntryDescription | undefined,
    text = fragment.sql,
  ): Promise<FragmentOutcome | undefined> {
    const store = this.options.inPlace?.store();
    if (store === undefined) return undefined;
    try {
      return await this.#attempt(fragment, signal, (client) =>
        this.#storeOn(client, store, fragment, signal, known, text),
      );
    } catch (error) {
      if (!(error instanceof NotInPlaceError || error instanceof CacheUnavailableError)) throw error;
      this.options.inPlace?.refused(error.message);
      return undefined;
    }
  }

  async #attempt(
    fragment: Fragment,
    signal: AbortSignal,
    run: (client: ControlClient) => Promise<FragmentOutcome>,
  ): Promise<FragmentOutcome> {
    try {
      return await this.options.pool.withClient(run, { signal });
    } catch (error) {
      if (signal.aborted) return { status: 'aborted' };
      return outcomeOf(error, fragment);
    }
  }

  /** What is left of a transaction after an error ends with the connection: the pool drops it. */
  async #storeOn(
    client: ControlClient,
    store: InPlaceStore,
    fragment: Fragment,
    signal: AbortSignal,
    known: EntryDescription | undefined,
    text: string,
  ): Promise<FragmentOutcome> {
    const { timeoutMs, maxKeys } = this.options;
    const [startedAt, begunAt] = [Date.now(), performance.now()];
    const limits = runLimits(timeoutMs, signal);
    await client.query(beginWritingRun, [], limits());
    await checkInPlace(client, store, fragment, limits);
    const prepared = await this.#prepare(client, fragment, limits, known, changedSince);
    if ('status' in prepared) return prepared;
    const { snapshot, stamp, changes } = prepared;
    const renewed = known === undefined ? {} : { renewed: { known, changes } };
    return runInPlace(
      client,
      store,
      {
        ...{ fragment, text, startedAt, maxKeys, maxBytes: this.#maxTextBytes, snapshot, ...renewed },
        origin: stamp?.origin,
        elapsedMs: performance.now() - begunAt,
      },
      limits,
    );
  }

  get #maxTextBytes(): number {
    return this.options.maxTextBytes ?? defaultMaxTextBytes;
  }

  /**
   * What comes before a fragment is run in the transaction that has begun: its stamp, what has changed since a known entry, and the settings and
   * bounds it is run under. `given`: the stamp it has already. Or how the run has ended already.
   */
  async #prepare<Known extends EntryDescription, Changes>(
    client: ControlClient,
    fragment: Fragment,
    limits: RunLimits,
    known: Known | undefined,
    changesOf: (
      client: ControlClient,
      schema: string,
      known: Known,
      options: QueryOptions,
    ) => Promise<Changes | undefined>,
    given?: EntryStamp,
  ): Promise<PreparedRun<Changes> | FragmentOutcome> {
    const { timeoutMs, changeLogOf, shareLimitOf } = this.options;
    // Before the fragment's settings are: its search_path could give operators another meaning.
    const changeLog = changeLogOf?.(fragment.partitionKey);
    const stamp =
      changeLog === undefined
        ? undefined
        : (given ?? (await stampEntry(client, changeLog, fragment, limits())));
    if (stamp !== undefined && 'problem' in stamp) return { status: 'failed', error: stamp.problem };
    const changes =
      changeLog === undefined || known === undefined
        ? undefined
        : await changesOf(client, changeLog, known, limits());
    const problem = await applyFragmentSettings(client, fragment, limits());
    if (problem !== undefined) return { status: 'failed', error: problem };
    const [limited] = await client.query<{ snapshot: string }>(
      limitRun,
      [timeoutMs, timeoutMs + serverGraceMs].map((ms) => atMostLongest(Math.ceil(ms))),
      limits(),
    );
    if (limited === undefined) throw new Error(`${limitRun.name}.sql returned no row`);
    const shareLimit = known === undefined ? shareLimitOf?.(fragment.partitionKey) : undefined;
    const objection =
      shareLimit === undefined ? undefined : await objectionToShare(client, fragment, shareLimit, limits);
    if (objection !== undefined) {
      await client.query(endRun, [], limits());
      return tooLarge(objection);
    }
    return { changeLog, stamp, changes, snapshot: stamp?.snapshot ?? limited.snapshot };
  }

  /** What is left of a transaction after an error or too many keys ends with the connection: the pool drops it. */
  async #runOn(
    client: ControlClient,
    fragment: Fragment,
    signal: AbortSignal,
    { text, known, followed }: RunParts,
  ): Promise<FragmentOutcome> {
    const { timeoutMs, maxKeys } = this.options;
    const maxTextBytes = this.#maxTextBytes;
    const limits = runLimits(timeoutMs, signal);
    await client.query(beginRun, [], limits());
    const added = await followed?.primary.changedBetween(client, followed.stamp, fragment, limits);
    const prepared = await this.#prepare(
      client,
      fragment,
      limits,
      known,
      changesSince,
      followed?.stamp.stamp,
    );
    if ('status' in prepared) return prepared;
    const { changeLog, stamp, snapshot } = prepared;
    const isPromised = known !== undefined && changeLog === undefined;
    const before = isPromised ? besidesKnown(known) : prepared.changes;
    await client.execute('fragment', cursorFor(text, before?.condition), [], limits());

    const keys: PartitionValue[] = [...(before?.kept ?? []), ...(added ?? [])];
    let hasNullKey = before !== undefined && known?.hasNullKey === true;
    let textBytes = 0;
    let typeOid: number | undefined;
    for (;;) {
      const rows = await client.query<{ key: string }>(fetchKeys, [], limits());
      if (rows.length === 0) break;
      for (const row of rows) {
        const record = Buffer.from(row.key, 'hex');
        typeOid ??= await baseTypeOf(client, keyTypeOid(record), limits());
        const key = readBinaryKey(fragment.datatype, record, typeOid);
        if (key === null) hasNullKey = true;
        else keys.push(key);
        textBytes += record.length;
      }
      if (keys.length > maxKeys) return tooLarge(`more than ${maxKeys} keys`);
      if (textBytes > maxTextBytes) return tooLarge(`keys of more than ${maxTextBytes} bytes`);
    }
    await client.query(endRun, [], limits());
    if (stamp === undefined || changeLog === undefined) return { status: 'ok', keys, hasNullKey, snapshot };
    if (followed !== undefined)
      // Added keys may have been found as well. What a standby has is on the primary's disk.
      return {
        status: 'ok',
        keys: [...new Set(keys)],
        hasNullKey,
        snapshot: stamp.snapshot,
        origin: stamp.origin,
      };
    for (let asked = 1; !(await isDurable(client, changeLog, stamp, limits())); asked++) {
      if (asked === 2) await hastenDurability(client, changeLog, limits());
      else await delay(durabilityPollMs, undefined, { signal });
    }
    return { status: 'ok', keys, hasNullKey, snapshot, origin: stamp.origin };
  }
}

/**
 * The key travels as the bytes of its binary format, in hex: exact for every type, and the same under any DateStyle,
 * extra_float_digits or bytea_output the fragment may need. (`pg` reads results as UTF-8 text, so a binary result column
 * would not survive it.) A fragment is text and cannot be a parameter, hence no file; all around it is qualified, for
 * search_path is the fragment's by now.
 */
function cursorFor(text: string, condition?: string): string {
  return (
    `declare pcache_fragment_keys no scroll cursor without hold for ` +
    `select pg_catalog.encode(pg_catalog.record_send(row(f.key)), 'hex') as key from (${text}\n) as f (key)` +
    (condition === undefined ? '' : ` where ${condition}`)
  );
}

function tooLarge(error: string): FragmentOutcome {
  return { status: 'too_large', error };
}

function outcomeOf(error: unknown, fragment: Fragment): FragmentOutcome {
  if (error instanceof RunTimeoutError) return { status: 'timeout', error: error.message };
  if (error instanceof StandbyNotReadyError)
    return { status: 'unavailable', error: error.message, hasStarted: false };
  if (error instanceof UnreadableKeyError) return { status: 'failed', error: error.message };
  if (error instanceof ControlQueryError) {
    if (error.sqlState === QUERY_CANCELED) return { status: 'timeout', error: error.serverMessage };
    if (isWorthAnotherAttempt.test(error.sqlState)) {
      return { status: 'unavailable', error: error.message, hasStarted: true };
    }
    const grant = error.sqlState === INSUFFICIENT_PRIVILEGE ? `; it takes ${grantFor(fragment)}` : '';
    return { status: 'failed', error: `${error.message}${grant}` };
  }
  if (error instanceof ControlConnectionError) {
    if (error.reason === 'timeout') return { status: 'timeout', error: error.message };
    return { status: 'unavailable', error: error.message, hasStarted: error.reason === 'lost' };
  }
  throw error;
}

/** What the role that runs fragments needs, as SQL but for its name. */
function grantFor({ tables, conjuncts }: Fragment): string {
  const named = tables.map(({ schema, name }) => `${schema}.${name}`);
  const read = conjuncts.flatMap(({ reads }) => reads ?? []);
  return `GRANT SELECT ON ${[...new Set([...named, ...read])].join(', ')} TO the control role`;
}
