import { join } from 'node:path';
import type { ConnectionOptions } from '../../test/support/postgres-server';
import type { TemporaryDirectory } from '../../test/support/temporary-directory';
import { BenchProxy } from '../bench-proxy';

/** The longest a fragment may take here; what the default allows. */
const fragmentMs = 60_000;
/** For all fragments of a question. */
export const learningMs = 20 * fragmentMs;

let started = 0;

/**
 * A proxy in front of the points of interest.
 *
 * @param minQueryMs statements faster than this are not learned from
 */
export function startPoiProxy(
  upstream: ConnectionOptions,
  directory: TemporaryDirectory,
  cache: string,
  minQueryMs: number,
): Promise<BenchProxy> {
  const key = { datatype: 'integer', consistency: 'static' };
  const sections = {
    cache: { backend: 'rocksdb_set', path: join(directory.path, cache) },
    population: { min_query_ms: minQueryMs, timeout_ms: fragmentMs, duty: 1 },
  };
  const partitionKeys = {
    zip: { ...key, tables: { 'public.poi': 'zip' } },
    district: { ...key, tables: { 'public.poi': 'district' } },
  };
  return BenchProxy.start(upstream, directory, `${cache}-${++started}`, sections, {
    partition_keys: partitionKeys,
  });
}
