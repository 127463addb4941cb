import { setTimeout as delay } from 'node:timers/promises';
import { ControlConnectionError } from '../../errors/control-connection-error';
import { ControlQueryError } from '../../errors/control-query-error';
import type { CacheEntry } from '../../cache/cache-backend';
import { hastenDurability, isDurable, stampEntry } from '../../freshness/entry-stamp';
import type { ControlClient } from '../../postgres/control-client';
import type { ControlPool } from '../../postgres/control-pool';
import { sqlFile } from '../../postgres/sql-files';
import type { Fragment } from '../../query/fragment/fragment';
import type { PartitionValue } from '../../query/partition-key';
import type { FragmentOutcome, FragmentSource } from '../fragment-source';
import { keyTypeOid, readBinaryKey, UnreadableKeyError } from './binary-key';
import { changesSince } from './changes-since';

const beginRun = sqlFile('begin-fragment-run');
const applySettings = sqlFile('apply-fragment-settings');
const readRawSettings = sqlFile('read-raw-settings');
const limitRun = sqlFile('limit-fragment-run');
const fetchKeys = sqlFile('fetch-fragment-keys');
const baseType = sqlFile('base-type');
const endRun = sqlFile('end-fragment-run');

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
}

/** The server ends a statement by its own clock; ours is only for when it does not. */
const SERVER_GRACE_MS = 1_000;
/** Serialization failures, and a lock or a standby's conflict: the next attempt may well go through. */
const isWorthAnotherAttempt = /^(40|55P03)/;
/** A busy server writes its log out by itself at any moment. */
const durabilityPollMs = 20;
const QUERY_CANCELED = '57014';

/** Runs fragments on a PostgreSQL server: one connection and one REPEATABLE READ transaction each (rule F1). */
export class PostgresqlSource implements FragmentSource {
  readonly name = 'postgresql';

  constructor(private readonly options: PostgresqlSourceOptions) {}

  /**
   * @param known an entry of the fragment: if what changed since can be told, only those keys are looked at again (rule F6)
   */
  async run(fragment: Fragment, signal: AbortSignal, known?: CacheEntry): Promise<FragmentOutcome> {
    try {
      return await this.options.pool.withClient((client) => this.#runOn(client, fragment, signal, known), {
        signal,
      });
    } catch (error) {
      if (signal.aborted) return { status: 'aborted' };
      return outcomeOf(error);
    }
  }

  /** What is left of a transaction after an error or too many keys ends with the connection: the pool drops it. */
  async #runOn(
    client: ControlClient,
    fragment: Fragment,
    signal: AbortSignal,
    known: CacheEntry | undefined,
  ): Promise<FragmentOutcome> {
    const { timeoutMs, maxKeys, maxTextBytes = 64 * 1024 * 1024 } = this.options;
    const endsAt = performance.now() + timeoutMs;
    const limits = (): { signal: AbortSignal; timeoutMs: number } => {
      const leftMs = endsAt - performance.now();
      if (leftMs <= 0) throw new RunTimeoutError(`no end within ${timeoutMs} ms`);
      return { signal, timeoutMs: leftMs + SERVER_GRACE_MS };
    };

    await client.query(beginRun, [], limits());
    // Before the fragment's settings are: its search_path could give operators another meaning.
    const changeLog = this.options.changeLogOf?.(fragment.partitionKey);
    const stamp =
      changeLog === undefined ? undefined : await stampEntry(client, changeLog, fragment, limits());
    if (stamp !== undefined && 'problem' in stamp) return { status: 'failed', error: stamp.problem };
    const changes =
      changeLog === undefined || known === undefined
        ? undefined
        : await changesSince(client, changeLog, known, limits());
    const problem = await applyFragmentSettings(client, fragment, limits());
    if (problem !== undefined) return { status: 'failed', error: problem };
    const [limited] = await client.query<{ snapshot: string }>(
      limitRun,
      [timeoutMs, timeoutMs + SERVER_GRACE_MS],
      limits(),
    );
    if (limited === undefined) throw new Error(`${limitRun.name}.sql returned no row`);
    await client.execute('fragment', cursorFor(fragment, changes?.sql), [], limits());

    const keys: PartitionValue[] = [...(changes?.unchanged ?? [])];
    let hasNullKey = changes !== undefined && known?.hasNullKey === true;
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
    if (stamp === undefined || changeLog === undefined)
      return { status: 'ok', keys, hasNullKey, snapshot: limited.snapshot };
    for (let asked = 1; !(await isDurable(client, changeLog, stamp, limits())); asked++) {
      if (asked === 2) await hastenDurability(client, changeLog, limits());
      else await delay(durabilityPollMs, undefined, { signal });
    }
    return { status: 'ok', keys, hasNullKey, snapshot: stamp.snapshot, origin: stamp.origin };
  }
}

/**
 * The key travels as the bytes of its binary format, in hex: exact for every type, and the same under any DateStyle,
 * extra_float_digits or bytea_output the fragment may need. (`pg` reads results as UTF-8 text, so a binary result column
 * would not survive it.) A fragment is text and cannot be a parameter, hence no file; all around it is qualified, for
 * search_path is the fragment's by now.
 */
function cursorFor(fragment: Fragment, among?: string): string {
  return (
    `declare pcache_fragment_keys no scroll cursor without hold for ` +
    `select pg_catalog.encode(pg_catalog.record_send(row(f.key)), 'hex') as key from (${fragment.sql}\n) as f (key)` +
    (among === undefined ? '' : ` where f.key operator(pg_catalog.=) any (array(${among}))`)
  );
}

/** What is wrong with the settings, or undefined. A fragment under other settings could mean something else (rule S7). */
async function applyFragmentSettings(
  client: ControlClient,
  fragment: Fragment,
  limits: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<string | undefined> {
  const wanted = new Map(Object.entries(fragment.settings));
  if (wanted.size === 0) return undefined;
  const applied = await client.query<{ name: string; value: string }>(
    applySettings,
    [[...wanted.keys()], [...wanted.values()]],
    limits,
  );
  const differing = applied.filter(({ name, value }) => wanted.get(name) !== value);
  if (differing.length === 0) return undefined;
  // '64MB' and '65536' are the same work_mem: set_config answers in the one form, pg_settings in the other.
  const names = differing.map(({ name }) => name);
  const raw = await client.query<{ name: string; setting: string }>(readRawSettings, [names], limits);
  const rawValues = new Map(raw.map(({ name, setting }) => [name, setting]));
  const wrong = differing.find(({ name }) => rawValues.get(name) !== wanted.get(name));
  if (wrong === undefined) return undefined;
  return `setting ${wrong.name} became '${wrong.value}' where the fragment needs '${wanted.get(wrong.name) ?? ''}'`;
}

/** Types below are written down in PostgreSQL's sources (its FirstGenbkiObjectId), and none is a domain. */
const firstUnwrittenOid = 10_000;

async function baseTypeOf(
  client: ControlClient,
  typeOid: number,
  limits: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<number> {
  if (typeOid < firstUnwrittenOid) return typeOid;
  const [row] = await client.query<{ oid: number }>(baseType, [typeOid], limits);
  return row === undefined ? typeOid : row.oid;
}

class RunTimeoutError extends Error {
  override readonly name = 'RunTimeoutError';
}

function tooLarge(error: string): FragmentOutcome {
  return { status: 'too_large', error };
}

function outcomeOf(error: unknown): FragmentOutcome {
  if (error instanceof RunTimeoutError) return { status: 'timeout', error: error.message };
  if (error instanceof UnreadableKeyError) return { status: 'failed', error: error.message };
  if (error instanceof ControlQueryError) {
    if (error.sqlState === QUERY_CANCELED) return { status: 'timeout', error: error.serverMessage };
    if (isWorthAnotherAttempt.test(error.sqlState)) {
      return { status: 'unavailable', error: error.message, hasStarted: true };
    }
    return { status: 'failed', error: error.message };
  }
  if (error instanceof ControlConnectionError) {
    if (error.reason === 'timeout') return { status: 'timeout', error: error.message };
    return { status: 'unavailable', error: error.message, hasStarted: error.reason === 'lost' };
  }
  throw error;
}
