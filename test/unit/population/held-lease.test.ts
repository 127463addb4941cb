import { HeldLease } from '../../../src/population/queue/held-lease';
import type { WorkLease } from '../../../src/population/queue/work-queue';
import { until } from '../../support/until';

const lease: WorkLease<string> = { work: 'dig', priority: 1, attempt: 1, queuedAt: 0, token: 'mine' };

/** Answers as it is told to, and counts the questions. */
class Extending {
  asked: number[] = [];

  constructor(
    readonly leaseMs: number,
    private readonly answer: (asked: number) => Promise<boolean>,
  ) {}

  extend(): Promise<boolean> {
    this.asked.push(performance.now());
    return this.answer(this.asked.length);
  }
}

const warnings: string[] = [];
const warn = (message: string): void => void warnings.push(message);
let stopping: AbortController;

beforeEach(() => {
  warnings.length = 0;
  stopping = new AbortController();
});

test('is extended as long as the work goes on', async () => {
  const queue = new Extending(60, async () => true);
  {
    using held = new HeldLease(queue, lease, stopping.signal, warn);
    await until('it is extended', () => queue.asked.length >= 5);
    expect([held.isLost, held.signal.aborted]).toEqual([false, false]);
  }
  expect(warnings).toEqual([]);
});

test('is not extended any more when the work is over', async () => {
  jest.useFakeTimers();
  try {
    const queue = new Extending(60, async () => true);
    const held = new HeldLease(queue, lease, stopping.signal, warn);
    await jest.advanceTimersByTimeAsync(90);
    expect(queue.asked).toHaveLength(4);
    held[Symbol.dispose]();
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});

test('is lost when the queue says so: the work is to end', async () => {
  const queue = new Extending(60, async (asked) => asked < 3);
  using held = new HeldLease(queue, lease, stopping.signal, warn);
  await until('it is lost', () => held.signal.aborted);
  expect(held.isLost).toBe(true);
  expect(queue.asked).toHaveLength(3);
});

test('is lost before its time is over if it cannot be extended, and tried to be until then', async () => {
  const queue = new Extending(300, async () => {
    throw new Error('away');
  });
  const claimedAt = performance.now();
  using held = new HeldLease(queue, lease, stopping.signal, warn);
  await new Promise<void>((resolve) => held.signal.addEventListener('abort', () => resolve()));
  expect(held.isLost).toBe(true);
  // Another worker may have it after 300 ms; a timer may be late, which the last sixth is there for, or early by a millisecond or two.
  expect(performance.now() - claimedAt).toBeGreaterThanOrEqual(245);
  expect(queue.asked.length).toBeGreaterThanOrEqual(1);
  expect(warnings).toEqual(queue.asked.map(() => 'a claim could not be extended'));
});

test('is lost as well if the queue does not answer at all', async () => {
  const queue = new Extending(120, () => new Promise(() => undefined));
  using held = new HeldLease(queue, lease, stopping.signal, warn);
  await until('it is lost', () => held.isLost);
  expect(queue.asked).toHaveLength(1);
});

test('counts from when the extension was asked for, not from when it was answered', async () => {
  const answers: (() => void)[] = [];
  const queue = new Extending(200, () => new Promise((resolve) => answers.push(() => resolve(true))));
  using held = new HeldLease(queue, lease, stopping.signal, warn);
  await until('it is asked for', () => answers.length === 1);
  const endsAt = (queue.asked[0] ?? NaN) + 200 * (5 / 6);
  answers[0]?.();
  await new Promise<void>((resolve) => held.signal.addEventListener('abort', () => resolve()));
  expect(performance.now()).toBeGreaterThanOrEqual(endsAt - 1);
  // The second extension is not answered.
  expect(held.isLost).toBe(true);
});

test('an answer that comes after the work is over changes nothing', async () => {
  let answer = (): void => undefined;
  const queue = new Extending(
    60,
    () =>
      new Promise((resolve) => {
        answer = () => resolve(false);
      }),
  );
  const held = new HeldLease(queue, lease, stopping.signal, warn);
  await until('it is asked for', () => queue.asked.length === 1);
  held[Symbol.dispose]();
  answer();
  await new Promise((resolve) => setImmediate(resolve));
  expect([held.isLost, held.signal.aborted, queue.asked.length]).toEqual([false, false, 1]);
});

test('whoever stops all work ends it without its lease being lost', () => {
  const queue = new Extending(60_000, async () => true);
  using held = new HeldLease(queue, lease, stopping.signal, warn);
  stopping.abort();
  expect([held.signal.aborted, held.isLost]).toEqual([true, false]);
});

test('where a lease never ends there is nothing to extend', () => {
  jest.useFakeTimers();
  try {
    using held = new HeldLease(new Extending(Infinity, async () => false), lease, stopping.signal, warn);
    expect([jest.getTimerCount(), held.isLost]).toEqual([0, false]);
  } finally {
    jest.useRealTimers();
  }
});
