import type { CacheBackend } from '../cache/cache-backend';
import { Owned } from '../cli/owned';
import type { FragmentOutcome, FragmentSource } from '../population/fragment-source';
import { entryOfRun } from '../population/run-entry';
import { atMostLongest } from '../postgres/deadline';
import type { Fragment } from '../query/fragment/fragment';
import { type CacheHandler, helperOf } from './cache-helper';
import { generateAllQueryHashPairs } from './generate-hashes';
import { openSource, type PopulationSource, type SourceLimits } from './population-source';
import type { QueryOptions } from './query-options';

export interface RunOptions extends Partial<SourceLimits> {
  /** Default: the helper's own database. */
  readonly source?: PopulationSource;
  /** Whether fragments are run although their keys are known. Default: false. */
  readonly forceRecalculate?: boolean;
  /** Ends what is running, on the server too. */
  readonly signal?: AbortSignal;
}

export interface PopulateOptions extends QueryOptions, RunOptions {}

/** What became of a fragment. `timeoutMs` and `maxKeys` are by default those of the configuration file. */
export interface PopulatedFragment {
  readonly fragment: Fragment;
  /** known: it was not run. unavailable, aborted: nothing is kept. All others are kept, so that it is not tried again at once. */
  readonly status: 'ok' | 'known' | 'timeout' | 'too_large' | 'failed' | 'unavailable' | 'aborted';
  /** Not counting NULL. */
  readonly keyCount: number;
  readonly error: string | undefined;
}

/**
 * Runs the fragments of a query and keeps their keys, as an observer does; one result for each, most selective first, none for a query that
 * cannot be restricted. Rejects as the helper's methods do.
 */
export async function populate(options: PopulateOptions): Promise<readonly PopulatedFragment[]> {
  const pairs = await generateAllQueryHashPairs(options);
  return populateFragments(pairs, options.cacheHandler, options);
}

/** The same for fragments, such as those of generateAllQueryHashPairs or of the queue. */
export async function populateFragments(
  fragments: Iterable<Fragment | { readonly fragment: Fragment }>,
  cacheHandler: CacheHandler,
  options: RunOptions = {},
): Promise<readonly PopulatedFragment[]> {
  const helper = helperOf(cacheHandler);
  const parts = helper.parts();
  const { timeoutMs, maxKeys } = { ...parts.config.population, ...given(options) };
  checkLimits(timeoutMs, maxKeys);
  const { signal = new AbortController().signal, forceRecalculate = false } = options;
  await using owned = new Owned();
  const source = openSource(
    options.source ?? { kind: 'own' },
    parts,
    helper.queries(),
    { timeoutMs: atMostLongest(Math.ceil(timeoutMs)), maxKeys },
    owned,
  );
  const results: PopulatedFragment[] = [];
  for (const each of fragments) {
    const fragment = 'fragment' in each ? each.fragment : each;
    if (fragment.partitionKey !== parts.partitionKey)
      throw new TypeError(`a fragment of ${fragment.partitionKey} is none of ${parts.partitionKey}`);
    results.push(await runOne(fragment, source, parts.backend, signal, forceRecalculate));
  }
  return results;
}

async function runOne(
  fragment: Fragment,
  source: FragmentSource,
  backend: CacheBackend,
  signal: AbortSignal,
  isForced: boolean,
): Promise<PopulatedFragment> {
  const known = await backend.describe(fragment.partitionKey, fragment.hash);
  if (known?.status === 'ok' && !isForced)
    return { fragment, status: 'known', keyCount: known.keyCount, error: undefined };
  const startedAt = performance.now();
  const outcome: FragmentOutcome = await source.run(fragment, signal);
  const computeMs = performance.now() - startedAt;
  if (outcome.status === 'stored')
    return { fragment, status: 'ok', keyCount: outcome.keyCount, error: undefined };
  if (outcome.status === 'aborted') return { fragment, status: 'aborted', keyCount: 0, error: undefined };
  if (outcome.status === 'unavailable')
    return { fragment, status: 'unavailable', keyCount: 0, error: outcome.error };
  const failuresBefore = known === undefined || known.status === 'ok' ? 0 : (known.failures ?? 1);
  const entry = entryOfRun(fragment, outcome, { failuresBefore, computeMs, now: Date.now() });
  await backend.put(entry);
  return { fragment, status: entry.status, keyCount: entry.keyCount, error: entry.error };
}

function given({ timeoutMs, maxKeys }: RunOptions): Partial<SourceLimits> {
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxKeys === undefined ? {} : { maxKeys }),
  };
}

/** Infinity is no limit. Throws TypeError: what no run can keep to would be kept as a failure of each. */
function checkLimits(timeoutMs: number, maxKeys: number): void {
  if (!(timeoutMs > 0)) throw new TypeError(`timeoutMs: expected more than 0, got ${timeoutMs}`);
  if (!(maxKeys >= 1)) throw new TypeError(`maxKeys: expected 1 or more, got ${maxKeys}`);
}
