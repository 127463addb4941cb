import { BorrowedQueue } from '../../../src/cli/workers/borrowed-queue';
import { Channel } from '../../../src/cli/workers/channel';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { askForQueue, pushWork } from './queue-names';

/** Pushes to the queue of the process that started it, as a worker does. */
const channel = new Channel(process);
const queue = new BorrowedQueue<Fragment>(channel, { database: 'places', tier: 'query_fragment_queue' });
channel.answer(pushWork, (requests) => queue.push(requests));
channel.answer(askForQueue, (what) => (what === 'lengths' ? queue.lengths() : queue.deadLetters()));
void channel.whenClosed.then(() => process.exit());
