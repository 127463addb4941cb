import { setTimeout as delay } from 'node:timers/promises';
import type { CacheBackend } from '../../cache/cache-backend';
import { Directory } from '../../cache/directory';
import type { CatalogKeeper } from '../../engine/catalog-keeper';
import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import { StartError } from '../../errors/start-error';
import type { DatabaseConfig, PcacheConfig } from '../../ops/config/pcache-config';
import type { Log } from '../../ops/log/log';
import { Observer } from '../../population/observer';
import type { FinishedRun, SkipReason } from '../../population/population-events';
import { InProcessQueue } from '../../population/queue/in-process-queue';
import { fragments as fragmentTier } from '../../population/queue/work-kind';
import type { ServerTls } from '../../postgres/server-tls';
import type { Fragment } from '../../query/fragment/fragment';
import { openFragmentSource } from '../open-fragment-source';
import { Owned } from '../owned';

export interface RunFragmentsParts {
  readonly database: DatabaseConfig;
  readonly config: PcacheConfig;
  readonly tls: ServerTls | undefined;
  readonly backend: CacheBackend;
  readonly keeper: CatalogKeeper;
  /** Whether fragments are run although they are known. */
  readonly isForced: boolean;
  readonly log: Log;
}

export type RunEnd = FinishedRun | { readonly fragment: Fragment; readonly skipped: SkipReason };

/**
 * Runs fragments and stores what comes of them, just as an observer does with those in its queue: this is an observer, with a queue of its
 * own, that ends when the queue is empty. Rejects with StartError when database or cache are away.
 */
export async function runFragments(
  fragments: readonly Fragment[],
  { database, config, tls, backend, keeper, isForced, log }: RunFragmentsParts,
  onEnd: (end: RunEnd) => void,
): Promise<void> {
  await using owned = new Owned();
  const queue = owned.add(
    new InProcessQueue({ kind: fragmentTier, maxAttempts: 1, maxLength: fragments.length + 1 }),
  );
  const directory = new Directory();
  const { source } = openFragmentSource(database, config, {
    ...{ serverTls: tls, backend, catalog: keeper, isForced, directory: () => directory, log, owned },
  });
  let left = fragments.length;
  let failure: Error | undefined;
  const end = (what: RunEnd): void => {
    onEnd(what);
    left -= 1;
  };
  const observer = owned.add(
    new Observer({
      ...{ queue, source, backend, isForced, concurrency: config.population.concurrency },
      events: {
        started: () => undefined,
        finished: (run) => {
          if (run.status === 'unavailable') failure ??= new StartError(run.error ?? 'the database is away');
          else if (run.status !== 'aborted') end(run);
        },
        skipped: (fragment, skipped) => end({ fragment, skipped }),
        trouble: (message, error) => {
          log.warn({ err: error }, message);
          if (error instanceof CacheUnavailableError) failure ??= error;
        },
      },
    }),
  );
  if (left === 0) return;
  await queue.push(fragments.map((work, i) => ({ work, priority: fragments.length - i })));
  observer.start();
  // An entry is stored after its run is told of, and its work completed after that.
  for (;;) {
    const { waiting, delayed, running } = await queue.lengths();
    if (left <= 0 && waiting + delayed + running === 0) return;
    if (failure !== undefined) throw failure;
    await delay(lookMs);
  }
}

const lookMs = 5;
