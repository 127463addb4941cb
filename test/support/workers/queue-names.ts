import { callName } from '../../../src/cli/workers/channel';
import type { PushOutcome, WorkRequest } from '../../../src/population/queue/work-queue';
import type { Fragment } from '../../../src/query/fragment/fragment';

export const pushWork = callName<readonly WorkRequest<Fragment>[], readonly PushOutcome[]>('push work');
export const askForQueue = callName<'lengths' | 'dead letters', unknown>('ask for the queue');
