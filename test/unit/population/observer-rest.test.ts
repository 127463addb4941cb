import { MemoryBackend } from '../../../src/cache/backends/memory';
import type { FragmentSource } from '../../../src/population/fragment-source';
import { Observer } from '../../../src/population/observer';
import type { PaceOptions } from '../../../src/population/pace';
import { InProcessQueue } from '../../../src/population/queue/in-process-queue';
import { fragments } from '../../../src/population/queue/work-kind';
import { pause } from '../../../src/postgres/deadline';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { makeFragment } from '../../support/make-fragment';
import { RecordedPopulation } from '../../support/recorded-population';
import { until } from '../../support/until';

const runMs = 20;

/** Takes that long for each fragment, and notes when. */
class SlowSource implements FragmentSource {
  readonly name = 'slow';
  readonly begun: number[] = [];
  readonly ended: number[] = [];

  async run(_: unknown, signal: AbortSignal): ReturnType<FragmentSource['run']> {
    this.begun.push(performance.now());
    await pause(runMs, signal);
    this.ended.push(performance.now());
    if (signal.aborted) return { status: 'aborted' };
    return { status: 'ok', keys: [], hasNullKey: false, snapshot: '1:1:' };
  }
}

let source: SlowSource;
let events: RecordedPopulation;
let queue: InProcessQueue<Fragment>;
afterEach(() => queue[Symbol.asyncDispose]());

async function observing(pace: PaceOptions, concurrency = 1): Promise<Observer> {
  queue = new InProcessQueue({ kind: fragments });
  const backend = new MemoryBackend({ warn: () => undefined });
  await backend.registerPartitionKey('region', 'integer');
  const works = [1, 2, 3].map((n) => ({ work: makeFragment(`select ${n}`), priority: 1 }));
  await queue.push(works);
  source = new SlowSource();
  events = new RecordedPopulation();
  const observer = new Observer({ queue, source, backend, events, pace, concurrency });
  observer.start();
  return observer;
}

test('a worker rests after each run, in proportion to what it took', async () => {
  await using _ = await observing({ duty: 0.2 });
  await until('all are done', () => events.runs.length === 3);
  for (const [i, begunAt] of source.begun.slice(1).entries()) {
    const [before = NaN, ended = NaN] = [source.begun[i], source.ended[i]];
    // A timer may come a millisecond early.
    expect(begunAt - ended).toBeGreaterThanOrEqual(4 * (ended - before) - 2);
  }
});

test('however many workers there are, one runs at a time and all rest after it', async () => {
  await using _ = await observing({ duty: 0.2 }, 3);
  await until('all are done', () => events.runs.length === 3);
  for (const [i, begunAt] of source.begun.slice(1).entries()) {
    const [before = NaN, ended = NaN] = [source.begun[i], source.ended[i]];
    expect(begunAt - ended).toBeGreaterThanOrEqual(4 * (ended - before) - 2);
  }
});

test('a server with nothing else to do is not left alone: no rest, and as many at a time as there are workers', async () => {
  const begunTogether = new Set<number>();
  const isIdle = async (): Promise<boolean> => {
    begunTogether.add(source.begun.length - source.ended.length);
    return true;
  };
  await using _ = await observing({ duty: 0.001, isIdle }, 3);
  await until('all are done', () => events.runs.length === 3);
  // By its duty it would have rested for 20 seconds after the first.
  expect((source.ended[2] ?? NaN) - (source.begun[0] ?? NaN)).toBeLessThan(10_000);
  expect(Math.max(...begunTogether)).toBeGreaterThan(1);
});

test('a server that cannot be asked what it does is taken to have something to do', async () => {
  const isIdle = (): Promise<boolean> => Promise.reject(new Error('no connection'));
  await using observer = await observing({ duty: 0.001, isIdle }, 3);
  await until('one is done', () => events.runs.length === 1);
  await observer.stop();
  expect(source.begun).toHaveLength(1);
});

test('the rest ends when the observer is stopped', async () => {
  const observer = await observing({ duty: 0.001 });
  await until('one is done', () => events.runs.length === 1);
  const stoppedAt = performance.now();
  await observer.stop();
  expect(events.runs).toHaveLength(1);
  // It would have rested for 20 seconds.
  expect(performance.now() - stoppedAt).toBeLessThan(10_000);
});

test('what is running when it is interrupted is run anew, and stored once', async () => {
  await using observer = await observing({ duty: 1 });
  await until('one is running', () => source.begun.length === 1);
  observer.pause();
  await observer.interrupt();
  expect(source.ended).toHaveLength(1);
  expect(events.runs.filter(({ status }) => status === 'ok')).toHaveLength(0);
  observer.resume();
  await until('all are done', () => events.runs.filter(({ status }) => status === 'ok').length === 3);
  expect(source.begun).toHaveLength(4);
});
