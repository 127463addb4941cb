import { setImmediate as turn } from 'node:timers/promises';
import { Learner } from '../../../src/population/learner';
import { InProcessQueue } from '../../../src/population/queue/in-process-queue';
import { fragments } from '../../../src/population/queue/work-kind';
import type { PushOutcome, WorkRequest } from '../../../src/population/queue/work-queue';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { makeFragment } from '../../support/make-fragment';
import { RecordedPopulation } from '../../support/recorded-population';
import { until } from '../../support/until';
import { entryOfRun } from '../../../src/population/run-entry';

const [a, b] = [makeFragment('select 1'), makeFragment('select 2')];

test('queues each fragment once, those wanted more often first', async () => {
  const queue = new InProcessQueue({ kind: fragments });
  const learner = new Learner({ queue, events: new RecordedPopulation() });
  learner.learn([a, b]);
  for (let n = 0; n < 20; n++) learner.learn([b]);
  expect(await queue.lengths()).toMatchObject({ waiting: 2 });
  // What came while the first push was under way shares the second.
  await turn();
  const never = new AbortController().signal;
  expect(await queue.claim(never)).toMatchObject({ work: b, priority: 21 });
  expect(await queue.claim(never)).toMatchObject({ work: a, priority: 1 });
});

test('leaves out what the directory has, or has failed a moment ago', async () => {
  const queue = new InProcessQueue({ kind: fragments });
  const events = new RecordedPopulation();
  const attempt = { failuresBefore: 0, computeMs: 1, now: Date.now() };
  const entries = new Map([
    [a, entryOfRun(a, { status: 'ok', keys: [], hasNullKey: false, snapshot: '1:1:' }, attempt)],
    [b, entryOfRun(b, { status: 'timeout', error: 'too slow' }, attempt)],
  ]);
  const learner = new Learner({ queue, events, describe: (fragment) => entries.get(fragment) });
  const c = makeFragment('select 3');
  learner.learn([a, b, c]);
  expect(await queue.lengths()).toMatchObject({ waiting: 1 });
  expect(events.skips.map(({ reason }) => reason)).toEqual(['known', 'failed_before']);
});

test('leaves out what was not seen often enough, unless somebody asks for it', async () => {
  const queue = new InProcessQueue({ kind: fragments });
  const events = new RecordedPopulation();
  const learner = new Learner({ queue, events, minSeen: 3 });
  for (const seen of [[a], [a, b], [a]]) learner.learn(seen);
  await until('it is queued', async () => (await queue.lengths()).waiting === 1);
  expect(events.skips.map(({ fragment, reason }) => [fragment === a, reason])).toEqual([
    [true, 'seen_rarely'],
    [true, 'seen_rarely'],
    [false, 'seen_rarely'],
  ]);
  await learner.push([b], 1);
  expect(await queue.lengths()).toMatchObject({ waiting: 2 });
});

test('tells what a full queue dropped', async () => {
  const events = new RecordedPopulation();
  const learner = new Learner({ queue: new InProcessQueue({ kind: fragments, maxLength: 1 }), events });
  learner.learn([a], 5);
  learner.learn([b], 1);
  await until('it is told', () => events.skips.length > 0);
  expect(events.skips).toEqual([{ fragment: b, reason: 'queue_full' }]);
});

test('a queue that does not answer costs one push at a time, and room for so many fragments', async () => {
  const pushes: { readonly size: number; readonly end: () => void }[] = [];
  class SlowQueue extends InProcessQueue<Fragment> {
    override async push(requests: readonly WorkRequest<Fragment>[]): Promise<readonly PushOutcome[]> {
      await new Promise<void>((end) => pushes.push({ size: requests.length, end }));
      return requests.map(() => 'added');
    }
  }
  const events = new RecordedPopulation();
  const learner = new Learner({ queue: new SlowQueue({ kind: fragments }), events });
  learner.learn([a]);
  const others = Array.from({ length: 1_100 }, (_, n) => makeFragment(`select 'of ${n}'`));
  for (const other of others) learner.learn([other, b]);
  await turn();
  expect(pushes.map(({ size }) => size)).toEqual([1]);
  expect(events.skips).toHaveLength(101);
  expect(events.skips[0]).toEqual({ fragment: others[999], reason: 'queue_full' });
  pushes[0]?.end();
  await turn();
  expect(pushes.map(({ size }) => size)).toEqual([1, 1_000]);
});

test('a queue that is away is complained of once for each attempt to reach it, and used again', async () => {
  let isAway = true;
  class AwayQueue extends InProcessQueue<Fragment> {
    override async push(requests: readonly WorkRequest<Fragment>[]): Promise<readonly PushOutcome[]> {
      if (isAway) throw new Error('away');
      return super.push(requests);
    }
  }
  const queue = new AwayQueue({ kind: fragments });
  const events = new RecordedPopulation();
  await using learner = new Learner({ queue, events, outageBackoff: { firstMs: 20, maxMs: 20 } });
  for (let n = 0; n < 100; n++) learner.learn([a, b]);
  await until('it is told', () => events.troubles.length > 0);
  expect(events.troubles).toHaveLength(1);
  isAway = false;
  learner.learn([a]);
  await until('it is queued', async () => (await queue.lengths()).waiting > 0);
});

test('never throws: trouble with the queue is an event', async () => {
  class BrokenQueue extends InProcessQueue<Fragment> {
    override push(): Promise<never> {
      throw new Error('broken');
    }
  }
  const events = new RecordedPopulation();
  await using learner = new Learner({ queue: new BrokenQueue({ kind: fragments }), events });
  learner.learn([a]);
  await until('it is told', () => events.troubles.length > 0);
  expect(events.troubles[0]).toMatchObject({ message: 'fragments could not be queued' });
});
