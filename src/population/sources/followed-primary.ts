import { setTimeout as delay } from 'node:timers/promises';
import { ControlConnectionError } from '../../errors/control-connection-error';
import { ControlQueryError } from '../../errors/control-query-error';
import { type EntryStamp, hastenDurability, stampEntry } from '../../freshness/entry-stamp';
import { trackingQuery } from '../../freshness/tracking-schema';
import type { ControlClient } from '../../postgres/control-client';
import type { ControlPool } from '../../postgres/control-pool';
import { sqlFile } from '../../postgres/sql-files';
import type { Fragment } from '../../query/fragment/fragment';
import type { PartitionKeyType, PartitionValue } from '../../query/partition-key';
import { keyTypeOid, readBinaryKey } from './binary-key';
import type { RunLimits } from './run-limits';

const primaryPosition = sqlFile('primary-position');
const standbyState = sqlFile('standby-state');

/** The standby cannot be used for now: it is behind, or not one of this primary. The fragment has nothing to do with it. */
export class StandbyNotReadyError extends Error {
  override readonly name = 'StandbyNotReadyError';
}

interface Position {
  readonly position: string;
  readonly timeline: string;
  readonly system: string;
}

/** What a run on a standby is to be measured by, taken on the primary before it. */
export interface PrimaryStamp {
  readonly at: Position;
  /** Absent if the data is promised not to change. */
  readonly stamp?: EntryStamp;
}

export interface FollowedPrimaryOptions {
  /** Of the primary; lent, not owned. */
  readonly pool: ControlPool;
  readonly changeLogOf?: (partitionKey: string) => string | undefined;
}

type PositionRow = { readonly [name in keyof Position]: string | null };
type StateRow = {
  readonly is_standby: boolean;
  readonly has_replayed: boolean;
  readonly timeline: string | null;
  readonly system: string;
};
type ChangeRow = { readonly is_unusable: boolean; readonly key: string | null };

const pollMs = 20;

/**
 * How entries are made on a standby that hold for statements on its primary (rules F1 to F4).
 *
 * A standby's own snapshot would not do: it hides which transactions were under way, and a transaction can be seen there before it is seen on
 * the primary, which may be waiting for this very standby. So an entry is stamped with a snapshot S of the primary, taken first; the run waits until
 * the standby has replayed all that S sees, and reads in a snapshot R that sees all of it, and perhaps more. Keys changed by what R sees and S does
 * not are added to what the run finds. Then the entry is a superset of what a run under S would have found:
 *
 *   a key that was not changed in between qualifies under R if and only if it does under S;
 *   a key that was changed is in the set, whether or not it qualifies.
 *
 * Statements add, as always, what was changed since S. If a change after which every key is uncertain lies between S and R, nothing can be said.
 */
export class FollowedPrimary {
  constructor(private readonly options: FollowedPrimaryOptions) {}

  /** Rejects with StandbyNotReadyError if the primary is none, or cannot be reached; a problem is the fragment's. */
  async stamp(fragment: Fragment, limits: RunLimits): Promise<PrimaryStamp | { readonly problem: string }> {
    const changeLog = this.options.changeLogOf?.(fragment.partitionKey);
    const { signal } = limits();
    try {
      return await this.options.pool.withClient(
        async (client) => {
          const stamp =
            changeLog === undefined ? undefined : await stampEntry(client, changeLog, fragment, limits());
          if (stamp !== undefined && 'problem' in stamp) return stamp;
          const [row] = await client.query<PositionRow>(primaryPosition, [], limits());
          const { position, timeline, system } = row ?? {};
          if (typeof position !== 'string' || typeof timeline !== 'string' || typeof system !== 'string')
            throw new StandbyNotReadyError(
              'the control connections of the database lead to a standby, not to the primary',
            );
          // An idle primary writes its log out, and sends it, some seconds later.
          await hastenDurability(client, changeLog ?? '', limits());
          return { at: { position, timeline, system }, ...(stamp === undefined ? {} : { stamp }) };
        },
        { ...(signal === undefined ? {} : { signal }) },
      );
    } catch (error) {
      if (error instanceof ControlConnectionError || error instanceof ControlQueryError)
        throw new StandbyNotReadyError(`the primary: ${error.message}`, { cause: error });
      throw error;
    }
  }

  /** Resolves when the standby has replayed what the stamp sees. Rejects with StandbyNotReadyError if it is none, or when time is up. */
  async whenReplayed(
    client: ControlClient,
    { at }: PrimaryStamp,
    limits: RunLimits,
    waitMs: number,
  ): Promise<void> {
    const endsAt = performance.now() + waitMs;
    while (!(await checkStandby(client, at, limits))) {
      if (performance.now() > endsAt) throw new StandbyNotReadyError('the standby is behind');
      const { signal } = limits();
      await delay(pollMs, undefined, signal === undefined ? {} : { signal });
    }
  }

  /**
   * In the transaction that runs the fragment: the keys to be added to those it finds. Rejects with StandbyNotReadyError if nothing can be said, which
   * another attempt may change.
   */
  async changedBetween(
    client: ControlClient,
    { at, stamp }: PrimaryStamp,
    fragment: Fragment,
    limits: RunLimits,
  ): Promise<readonly PartitionValue[]> {
    // Asked after the snapshot was taken: it was a standby's then.
    if (!(await checkStandby(client, at, limits))) throw new StandbyNotReadyError('the standby is behind');
    const changeLog = this.options.changeLogOf?.(fragment.partitionKey);
    if (stamp === undefined || changeLog === undefined) return [];
    const { sources, reads, epoch } = stamp.origin;
    const rows = await client.query<ChangeRow>(
      trackingQuery('changed-keys-on-standby', changeLog),
      [stamp.snapshot, list(sources), list(reads), epoch],
      limits(),
    );
    if (rows.length === 0 || rows.some(({ is_unusable }) => is_unusable))
      throw new StandbyNotReadyError('every key became uncertain on the standby since the primary was asked');
    return rows.flatMap(({ key }) => keyOf(fragment.datatype, key));
  }
}

/** Whether it has replayed enough. Rejects with StandbyNotReadyError if it is not a standby of that primary. */
async function checkStandby(client: ControlClient, at: Position, limits: RunLimits): Promise<boolean> {
  const [state] = await client.query<StateRow>(standbyState, [at.position], limits());
  if (state?.is_standby !== true) throw new StandbyNotReadyError('the source of kind standby is no standby');
  if (state.system !== at.system) throw new StandbyNotReadyError('the standby is one of another server');
  if (state.timeline === null)
    throw new StandbyNotReadyError(
      'the standby does not tell what it receives; the control role has to be a member of pg_read_all_stats, and the standby has to be streaming',
    );
  if (state.timeline !== at.timeline)
    throw new StandbyNotReadyError(
      `the standby follows timeline ${state.timeline}, and the primary is on ${at.timeline}`,
    );
  return state.has_replayed;
}

function keyOf(datatype: PartitionKeyType, key: string | null): readonly PartitionValue[] {
  if (key === null) return [];
  const record = Buffer.from(key, 'hex');
  const value = readBinaryKey(datatype, record, keyTypeOid(record));
  return value === null ? [] : [value];
}

function list(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}
