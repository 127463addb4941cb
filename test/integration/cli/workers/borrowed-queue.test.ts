import { BorrowedQueue, borrowQueues } from '../../../../src/cli/workers/borrowed-queue';
import { Channel } from '../../../../src/cli/workers/channel';
import { LentQueues } from '../../../../src/cli/workers/lent-queues';
import { InProcessQueue } from '../../../../src/population/queue/in-process-queue';
import { fragments, originalQueries } from '../../../../src/population/queue/work-kind';
import { makeFragment } from '../../../support/make-fragment';
import { Forked } from '../../../support/workers/forked';
import { askForQueue, pushWork } from '../../../support/workers/queue-names';

const name = { database: 'places', tier: 'query_fragment_queue' } as const;
const queries = new InProcessQueue({ kind: originalQueries });
const work = makeFragment(`select 'ünï "quoted" \\ {1,2} \t'`, { settings: { DateStyle: "ISO, 'x'" } });

describe('a queue that is lent to another process', () => {
  let worker: Forked;
  let channel: Channel;
  const lent = new LentQueues();
  beforeAll(() => {
    worker = new Forked('queue-process');
    channel = new Channel(worker.child);
    lent.lendTo(channel);
  });
  afterAll(() => worker[Symbol.asyncDispose]());

  test('hands what a worker pushes to whoever waits for it here', async () => {
    await using queue = new InProcessQueue({ kind: fragments, maxLength: 1 });
    await using _ = lent.lend('places', { fragments: queue, queries });
    const claim = queue.claim(AbortSignal.timeout(30_000));
    expect(await channel.call(pushWork, [{ work, priority: 3 }])).toEqual(['added']);
    const lease = await claim;
    expect(lease).toMatchObject({ work, priority: 3, attempt: 1 });
    const others = ['select 1', 'select 2'].map((sql, i) => ({ work: makeFragment(sql), priority: 2 - i }));
    expect(await channel.call(pushWork, [...others, { work, priority: 1 }])).toEqual([
      'added',
      'dropped',
      'raised',
    ]);
    expect(await channel.call(askForQueue, 'lengths')).toMatchObject({ waiting: 1, running: 1 });
  });

  test('refuses: to be looked into, or worked at, by a worker', async () => {
    const away = { name: 'QueueUnavailableError' };
    await using queue = new InProcessQueue({ kind: fragments });
    await using _ = lent.lend('places', { fragments: queue, queries });
    await expect(channel.call(askForQueue, 'dead letters')).rejects.toMatchObject(away);
    await using borrowed = new BorrowedQueue(channel, name);
    const operations = ['claim', 'extend', 'complete', 'fail', 'bury', 'release', 'clear'] as const;
    for (const operation of operations) await expect(borrowed[operation]()).rejects.toMatchObject(away);
  });

  test('is away while it is not lent, and when the process that lends it is gone', async () => {
    const queue = new InProcessQueue({ kind: fragments });
    const loan = lent.lend('places', { fragments: queue, queries });
    await using next = new InProcessQueue({ kind: fragments });
    await using _ = lent.lend('places', { fragments: next, queries });
    // The next one was lent before this one was taken back, as when a configuration follows another.
    await loan[Symbol.asyncDispose]();
    await queue[Symbol.asyncDispose]();
    expect(await channel.call(pushWork, [{ work, priority: 1 }])).toEqual(['added']);
    const gone = new Forked('queue-process');
    using toIt = new Channel(gone.child);
    const queues = borrowQueues(toIt, 'places');
    await using statements = queues.open(originalQueries, async () => 'not asked for');
    const pushed = statements.push([]).catch((error: unknown) => error);
    await gone.kill();
    expect(await pushed).toMatchObject({ name: 'QueueUnavailableError' });
    await expect(statements.lengths()).rejects.toMatchObject({ name: 'QueueUnavailableError' });
  });

  test('refuses: a queue of another database', async () => {
    await using queue = new InProcessQueue({ kind: fragments });
    await using _ = lent.lend('others', { fragments: queue, queries });
    await expect(channel.call(askForQueue, 'lengths')).rejects.toThrow('the overseer has it not open');
  });
});
