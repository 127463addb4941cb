import { BlockingClaims, type ClaimSource } from './blocking-claims';
import type { QueueLimits } from './queue-limits';
import type { WorkKind } from './work-kind';
import type { WorkLease } from './work-queue';

/** What every queue is told that several processes share, whoever provides it. */
export interface SharedQueueOptions<Work> extends Partial<QueueLimits> {
  readonly kind: WorkKind<Work>;
  /** Which database the work is for: its own identity, so that nobody runs what is meant for another server. */
  readonly source: string;
  /** Whether to be told of new work, instead of asking for it now and then only. */
  readonly isListening?: boolean;
  /** Hears of trouble that no call tells of. */
  readonly warn: (message: string, cause?: unknown) => void;
}

/** Between questions while there is nothing to do: something may have been missed, or a worker be gone. */
const listeningPauseMs = 5_000;
const pollingPauseMs = 500;

/** Claims that wait for work of such a queue. */
export function sharedClaims<Work>(
  { isListening = true }: Pick<SharedQueueOptions<Work>, 'isListening'>,
  take: ClaimSource<Work>['take'],
  release: (lease: WorkLease<Work>) => Promise<unknown>,
): BlockingClaims<Work> {
  return new BlockingClaims({
    take,
    giveBack: async (leases) => {
      await Promise.allSettled(leases.map(release));
    },
    longestPauseMs: isListening ? listeningPauseMs : pollingPauseMs,
  });
}
