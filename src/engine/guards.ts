import type { KeySet } from '../cache/key-set';
import { createKeySet } from '../cache/key-sets/create-key-set';
import type { Freshness } from '../freshness/fresh-keys';
import type { PartitionKey } from '../query/partition-key';
import { BoundedMap } from './bounded-map';
import type { EngineLog } from './engine-events';
import type { ClassKeys } from './rewriter';

/** How statements with constant keys have fared at their guards. */
interface Passage {
  /** Goes down by a little whenever one is let go on. */
  failures: number;
  pausedUntilMs: number;
}

/** Keys that were read once, and what tells which have changed since. */
export interface ExactKeys {
  readonly partitionKey: PartitionKey;
  readonly freshness: Freshness;
}

/** Which have. Undefined if that cannot be said. Rejects as the pool's queries do. */
export type ReadChangedKeys = (keys: ExactKeys) => Promise<KeySet | undefined>;

const maxShapes = 10_000;
const maxChangedKeys = 1_000_000;
/** What a statement that is let go on is worth against one that is not: of ten, one may fail. */
const forgiven = 0.1;
/** The first failure costs no pause: the keys that have changed are known then. */
const firstPauseMs = 250;
const longestPauseMs = 60_000;

/**
 * Whether constant keys, with a guard beside them (`guardSql`), are worth another try. A statement that its guard stops has cost its client little, but
 * is run as it was written. What has changed is asked for then and added to the constants, so that the next one is let go on; where
 * other keys change all the time, it is left at that for longer and longer.
 *
 * Times of day are handed in, in milliseconds of any one clock.
 */
export class Guards {
  readonly #passages = new BoundedMap<string, Passage>(maxShapes);
  readonly #changed = new BoundedMap<string, KeySet>(maxChangedKeys, ({ size }) => size + 1);
  readonly #asked = new Map<string, Promise<void>>();
  #version = 0;

  constructor(
    private readonly readChangedKeys: ReadChangedKeys,
    private readonly log: EngineLog,
  ) {}

  /** Another one when keys were found to have changed. */
  get version(): number {
    return this.#version;
  }

  /** Whether statements of a shape go without constant keys for now. */
  isPaused(shape: string, nowMs: number): boolean {
    return nowMs < (this.#passages.get(shape)?.pausedUntilMs ?? -Infinity);
  }

  /** The keys of a class with those that are known to have changed since. */
  keysOf({ keys, freshness, keyClass }: ClassKeys): KeySet {
    const { partitionKey } = keyClass;
    const changed =
      freshness === undefined ? undefined : this.#changed.get(nameOf({ partitionKey, freshness }));
    if (changed === undefined || changed.size === 0) return keys;
    return createKeySet(keys.datatype, [...keys.values(), ...changed.values()], keys);
  }

  passed(shape: string): void {
    const passage = this.#passages.get(shape);
    if (passage !== undefined) passage.failures = Math.max(0, passage.failures - forgiven);
  }

  /** A statement was stopped. Asks what has changed, of which nobody waits for the answer. */
  failed(shape: string, exact: readonly ExactKeys[], nowMs: number): void {
    const passage = this.#passages.get(shape) ?? { failures: 0, pausedUntilMs: -Infinity };
    this.#passages.set(shape, passage);
    if (passage.failures >= 1) {
      const pauseMs = Math.min(firstPauseMs * 2 ** (passage.failures - 1), longestPauseMs);
      passage.pausedUntilMs = nowMs + pauseMs;
    }
    passage.failures++;
    for (const keys of exact) this.#ask(keys);
  }

  #ask(keys: ExactKeys): void {
    const name = nameOf(keys);
    if (this.#asked.has(name)) return;
    const asked = this.readChangedKeys(keys)
      .then((changed) => {
        if (changed === undefined) return;
        this.#changed.set(name, changed);
        this.#version++;
      })
      .catch((error: unknown) => {
        const fields = { err: error, partitionKey: keys.partitionKey.name };
        this.log.warn(fields, 'it could not be asked which keys have changed');
      })
      .finally(() => this.#asked.delete(name));
    this.#asked.set(name, asked);
  }
}

function nameOf({ partitionKey, freshness: { seen, sources } }: ExactKeys): string {
  return [partitionKey.name, seen, sources.join()].join(' ');
}
