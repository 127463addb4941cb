import type { PartitionKey } from '../query/partition-key';
import { BoundedMap } from './bounded-map';
import type { EngineLog } from './engine-events';
import type { Reading } from './reading';

/** Kinds of statement that are remembered as told of. */
const maxTold = 1_000;
/** No more of them are told of in this time, in milliseconds. */
const periodMs = 60_000;
const maxPerPeriod = 10;

/**
 * Tells of statements that read tables of a partition key and have no key to restrict: usually its author means to join on the
 * key, and has forgotten to. Once for each kind of statement; a client of a thousand kinds fills no disk.
 */
export class UnkeyedStatements {
  readonly #told = new BoundedMap<string, true>(maxTold);
  readonly #silent: ReadonlySet<string>;
  /** By partition key: `schema.table.column`. */
  readonly #columns: ReadonlyMap<string, readonly string[]>;
  #periodEnd = -Infinity;
  #leftInPeriod = 0;

  constructor(
    partitionKeys: readonly PartitionKey[],
    private readonly log: EngineLog,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#columns = new Map(
      partitionKeys.map(({ name, tables }) => [
        name,
        [...tables].map(([table, column]) => `${table}.${column}`),
      ]),
    );
    this.#silent = new Set(
      partitionKeys
        .filter(({ fragments }) => fragments?.warnNoPartitionKey === false)
        .map(({ name }) => name),
    );
  }

  note({ statement, analysis }: Reading): void {
    const blocks = 'refused' in analysis ? [analysis] : analysis.leftAlone;
    const unkeyed = blocks.flatMap(({ unkeyed: keys = [] }) =>
      keys.filter((name) => !this.#silent.has(name)),
    );
    if (unkeyed.length === 0 || this.#told.get(statement.fingerprint) === true) return;
    const now = this.now();
    if (now >= this.#periodEnd) {
      this.#periodEnd = now + periodMs;
      this.#leftInPeriod = maxPerPeriod;
    }
    if (this.#leftInPeriod === 0) return;
    this.#leftInPeriod--;
    this.#told.set(statement.fingerprint, true);
    const reasons =
      'refused' in analysis
        ? [analysis.refused]
        : analysis.leftAlone.filter((block) => block.unkeyed !== undefined).map(({ reason }) => reason);
    const fields = {
      fingerprint: statement.fingerprint,
      partitionKeys: [...new Set(unkeyed)],
      columns: [...new Set(unkeyed)].flatMap((name) => this.#columns.get(name) ?? []),
      reasons: [...new Set(reasons)],
    };
    this.log.warn(fields, 'a statement reads tables of a partition key, but none of them can be restricted');
  }
}
