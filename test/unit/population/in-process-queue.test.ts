import fc from 'fast-check';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { InProcessQueue } from '../../../src/population/queue/in-process-queue';
import { fragments } from '../../../src/population/queue/work-kind';
import type { WorkLease } from '../../../src/population/queue/work-queue';
import { makeFragment } from '../../support/make-fragment';

const [a, b, c] = [makeFragment('select 1'), makeFragment('select 2'), makeFragment('select 3')];
const never = new AbortController().signal;

beforeEach(() => {
  jest.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  jest.useRealTimers();
});

async function claimed(queue: InProcessQueue<Fragment>): Promise<WorkLease<Fragment>> {
  const lease = await queue.claim(never);
  if (lease === undefined) throw new Error('nothing was claimed');
  return lease;
}

/** Claims without waiting: what is claimable now, in order. */
async function claimAll(queue: InProcessQueue<Fragment>): Promise<string[]> {
  const order: string[] = [];
  while ((await queue.lengths()).waiting > 0) order.push((await claimed(queue)).work.sql);
  return order;
}

describe('push', () => {
  test('of a known fragment adds to its priority instead of a second item', async () => {
    const queue = new InProcessQueue({ kind: fragments });
    expect(await queue.push([{ work: a, priority: 1 }])).toEqual(['added']);
    expect(await queue.push([{ work: b, priority: 2 }])).toEqual(['added']);
    expect(await queue.push([{ work: a, priority: 2 }])).toEqual(['raised']);
    expect(await queue.lengths()).toMatchObject({ waiting: 2, delayed: 0, running: 0, dead: 0 });
    expect((await claimed(queue)).work).toBe(a);
  });

  test('of one that is running does not queue it again', async () => {
    const queue = new InProcessQueue({ kind: fragments });
    await queue.push([{ work: a, priority: 1 }]);
    const lease = await claimed(queue);
    expect(await queue.push([{ work: a, priority: 1 }])).toEqual(['raised']);
    expect(await queue.lengths()).toMatchObject({ waiting: 0, running: 1 });
    expect(await queue.complete(lease)).toBe(true);
    expect(await queue.lengths()).toMatchObject({ waiting: 0, running: 0 });
    expect(await queue.push([{ work: a, priority: 1 }])).toEqual(['added']);
  });

  test('keeps the same hash of two partition keys apart', async () => {
    const queue = new InProcessQueue({ kind: fragments });
    const other = { ...a, partitionKey: 'city' };
    expect(await queue.push([a, other].map((fragment) => ({ work: fragment, priority: 1 })))).toEqual([
      'added',
      'added',
    ]);
  });

  test('to a full queue drops the least wanted, the youngest among equals, and tells', async () => {
    const dropped: string[] = [];
    const queue = new InProcessQueue({
      kind: fragments,
      maxLength: 2,
      onDropped: (fragment) => dropped.push(fragment.sql),
    });
    await queue.push([
      { work: a, priority: 1 },
      { work: b, priority: 5 },
    ]);
    expect(await queue.push([{ work: c, priority: 3 }])).toEqual(['added']);
    expect(dropped).toEqual([a.sql]);
    expect(await queue.push([{ work: a, priority: 3 }])).toEqual(['dropped']);
    expect(await claimAll(queue)).toEqual([b.sql, c.sql]);
  });

  test('never drops what is running', async () => {
    const queue = new InProcessQueue({ kind: fragments, maxLength: 1 });
    await queue.push([{ work: a, priority: 1 }]);
    const lease = await claimed(queue);
    await queue.push([
      { work: b, priority: 5 },
      { work: c, priority: 6 },
    ]);
    expect(await queue.complete(lease)).toBe(true);
    expect(await claimAll(queue)).toEqual([c.sql]);
  });

  test('of 30,000 into a queue of 1,000 keeps it bounded', async () => {
    const queue = new InProcessQueue({ kind: fragments, maxLength: 1_000 });
    for (let n = 0; n < 30_000; n++) {
      await queue.push([{ work: { ...a, partitionKey: String(n) }, priority: n % 100 }]);
    }
    const { waiting } = await queue.lengths();
    expect(waiting).toBeLessThanOrEqual(1_000);
    expect(waiting).toBeGreaterThan(900);
    expect((await claimed(queue)).priority).toBe(99);
  });
});

describe('claim', () => {
  test('takes the most wanted first, then the oldest', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 30 }), async (priorities) => {
        const queue = new InProcessQueue({ kind: fragments });
        for (const [n, priority] of priorities.entries()) {
          await queue.push([{ work: { ...a, partitionKey: String(n) }, priority }]);
        }
        const order: number[] = [];
        while ((await queue.lengths()).waiting > 0) {
          order.push(Number((await claimed(queue)).work.partitionKey));
        }
        const expected = [...priorities.keys()].sort(
          (x, y) => (priorities[y] ?? 0) - (priorities[x] ?? 0) || x - y,
        );
        expect(order).toEqual(expected);
      }),
    ));

  test('waits for a push', async () => {
    const queue = new InProcessQueue({ kind: fragments });
    const waiting = queue.claim(never);
    await queue.push([{ work: a, priority: 1 }]);
    expect((await waiting)?.work).toBe(a);
  });

  test('of several workers gives each fragment to one', async () => {
    const queue = new InProcessQueue({ kind: fragments });
    const workers = [1, 2, 3].map(() => queue.claim(never));
    await queue.push([a, b, c].map((fragment) => ({ work: fragment, priority: 1 })));
    const leases = await Promise.all(workers);
    expect(new Set(leases.map((lease) => lease?.work.sql)).size).toBe(3);
  });

  test('resolves to undefined when aborted: before, and while waiting', async () => {
    const queue = new InProcessQueue({ kind: fragments });
    expect(await queue.claim(AbortSignal.abort())).toBeUndefined();
    const controller = new AbortController();
    const waiting = queue.claim(controller.signal);
    controller.abort();
    expect(await waiting).toBeUndefined();
    await queue.push([{ work: a, priority: 1 }]);
    expect(await queue.lengths()).toMatchObject({ waiting: 1 });
  });

  test('resolves to undefined when the queue is disposed of', async () => {
    const queue = new InProcessQueue({ kind: fragments });
    const waiting = queue.claim(never);
    await queue[Symbol.asyncDispose]();
    expect(await waiting).toBeUndefined();
    expect(await queue.push([{ work: a, priority: 1 }])).toEqual(['dropped']);
  });
});

describe('fail', () => {
  test('delays the next attempt, twice as long each time, then buries the fragment', async () => {
    const queue = new InProcessQueue({
      kind: fragments,
      maxAttempts: 3,
      backoff: { firstMs: 1_000, maxMs: 60_000 },
    });
    await queue.push([{ work: a, priority: 1 }]);
    expect(await queue.fail(await claimed(queue), 'first')).toEqual({
      kind: 'retried',
      at: Date.now() + 1_000,
    });
    expect(await queue.lengths()).toEqual({ waiting: 0, delayed: 1, running: 0, dead: 0 });

    const second = queue.claim(never);
    await jest.advanceTimersByTimeAsync(999);
    expect(await queue.lengths()).toMatchObject({ delayed: 1 });
    await jest.advanceTimersByTimeAsync(1);
    const lease = await second;
    expect(lease).toMatchObject({ attempt: 2 });
    expect(await queue.fail(lease!, 'second')).toEqual({ kind: 'retried', at: Date.now() + 2_000 });

    await jest.advanceTimersByTimeAsync(2_000);
    expect(await queue.fail(await claimed(queue), 'third')).toEqual({ kind: 'buried' });
    expect(await queue.lengths()).toEqual({ waiting: 0, delayed: 0, running: 0, dead: 1 });
    expect(await queue.deadLetters(10)).toMatchObject([{ query: a.sql, reason: 'third' }]);
  });

  test.each([-86_400_000, 86_400_000])(
    'delays as long if the clock is set by %s ms meanwhile',
    async (ms) => {
      const queue = new InProcessQueue({ kind: fragments, backoff: { firstMs: 1_000, maxMs: 60_000 } });
      await queue.push([{ work: a, priority: 1 }]);
      await queue.fail(await claimed(queue), 'first');
      const second = queue.claim(never);
      jest.setSystemTime(Date.now() + ms);
      await jest.advanceTimersByTimeAsync(999);
      expect(await queue.lengths()).toMatchObject({ delayed: 1, running: 0 });
      await jest.advanceTimersByTimeAsync(1);
      expect(await second).toMatchObject({ attempt: 2 });
    },
  );

  test('a push brings a dead letter back, its attempts forgotten', async () => {
    const queue = new InProcessQueue({ kind: fragments, maxAttempts: 1 });
    await queue.push([{ work: a, priority: 1 }]);
    await queue.fail(await claimed(queue), 'reason');
    expect(await queue.push([{ work: a, priority: 1 }])).toEqual(['added']);
    expect(await claimed(queue)).toMatchObject({ attempt: 1 });
    expect(await queue.lengths()).toMatchObject({ dead: 0 });
  });
});

describe('a lease', () => {
  test('is given back by release without counting as an attempt', async () => {
    const queue = new InProcessQueue({ kind: fragments, maxAttempts: 2 });
    await queue.push([{ work: a, priority: 1 }]);
    for (let n = 0; n < 10; n++) {
      const lease = await claimed(queue);
      expect(lease.attempt).toBe(1);
      expect(await queue.release(lease)).toBe(true);
    }
    expect(await queue.release(await claimed(queue), 500)).toBe(true);
    expect(await queue.lengths()).toMatchObject({ waiting: 0, delayed: 1 });
    await jest.advanceTimersByTimeAsync(500);
    expect(await queue.lengths()).toMatchObject({ waiting: 1, delayed: 0 });
  });

  test('refuses: to be ended twice, or after another worker has claimed the fragment', async () => {
    const queue = new InProcessQueue({ kind: fragments });
    await queue.push([{ work: a, priority: 1 }]);
    const first = await claimed(queue);
    await queue.release(first);
    const second = await claimed(queue);
    expect(await queue.complete(first)).toBe(false);
    expect(await queue.fail(first, 'late')).toBe(false);
    expect(await queue.release(first)).toBe(false);
    expect(await queue.complete(second)).toBe(true);
    expect(await queue.complete(second)).toBe(false);
  });
});
