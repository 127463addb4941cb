import { Learner } from '../../../src/population/learner';
import { InProcessQueue } from '../../../src/population/queue/in-process-queue';
import { fragments } from '../../../src/population/queue/work-kind';
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

test('tells what a full queue dropped', async () => {
  const events = new RecordedPopulation();
  const learner = new Learner({ queue: new InProcessQueue({ kind: fragments, maxLength: 1 }), events });
  learner.learn([a], 5);
  learner.learn([b], 1);
  await until('it is told', () => events.skips.length > 0);
  expect(events.skips).toEqual([{ fragment: b, reason: 'queue_full' }]);
});

test('never throws: trouble with the queue is an event', async () => {
  class BrokenQueue extends InProcessQueue<Fragment> {
    override push(): Promise<never> {
      throw new Error('broken');
    }
  }
  const events = new RecordedPopulation();
  new Learner({ queue: new BrokenQueue({ kind: fragments }), events }).learn([a]);
  await until('it is told', () => events.troubles.length > 0);
  expect(events.troubles[0]).toMatchObject({ message: 'fragments could not be queued' });
});
