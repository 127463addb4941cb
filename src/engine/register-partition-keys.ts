import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import { ControlConnectionError } from '../errors/control-connection-error';
import { ControlQueryError } from '../errors/control-query-error';
import { KeyOutOfRangeError } from '../errors/key-out-of-range-error';
import type { DatabaseEngineOptions, TrackedKey } from './database-engine-options';

export interface RegisteredKeys {
  /** Those that can be worked with; registered, or to be by a backend that is away. */
  readonly partitionKeys: readonly TrackedKey[];
  /** Why others cannot. */
  readonly refused: readonly string[];
}

/**
 * Registers the partition keys of a database. One whose data the backend has no room for is left out, and its statements go as they came:
 * what data have come in is no reason for a proxy not to start. Rejects with DatatypeMismatchError.
 */
export async function registerPartitionKeys(options: DatabaseEngineOptions): Promise<RegisteredKeys> {
  const { backend, log } = options;
  const partitionKeys: TrackedKey[] = [];
  const refused: string[] = [];
  for (const key of options.partitionKeys) {
    const fields = { partitionKey: key.name };
    try {
      await backend.registerPartitionKey(key.name, key.datatype, { lowest: await lowestOf(key, options) });
    } catch (error) {
      if (error instanceof KeyOutOfRangeError) {
        log.warn({ err: error, ...fields }, 'a partition key cannot be kept; its statements go as they came');
        refused.push(error.message);
        continue;
      }
      if (!(error instanceof CacheUnavailableError)) throw error;
      log.warn({ err: error, ...fields }, 'a partition key could not be registered yet');
    }
    partitionKeys.push(key);
  }
  return { partitionKeys, refused };
}

async function lowestOf(
  key: TrackedKey,
  { backend, lowestKey, log }: DatabaseEngineOptions,
): Promise<bigint | undefined> {
  if (backend.capabilities.integerRange === undefined || key.datatype !== 'integer') return undefined;
  try {
    return await lowestKey?.(key);
  } catch (error) {
    if (!(error instanceof ControlConnectionError || error instanceof ControlQueryError)) throw error;
    const message =
      'the lowest key of the data could not be read; one that there is no room for is refused later';
    log.warn({ err: error, partitionKey: key.name }, message);
    return undefined;
  }
}
