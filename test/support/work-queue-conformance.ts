import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { QueueLimits } from '../../src/population/queue/queue-limits';
import { fragments, type WorkKind } from '../../src/population/queue/work-kind';
import type { WorkLease, WorkQueue } from '../../src/population/queue/work-queue';
import type { Fragment } from '../../src/query/fragment/fragment';
import { makeFragment } from './make-fragment';
import { until } from './until';

export interface QueueOptions<Work> extends Partial<QueueLimits> {
  readonly kind: WorkKind<Work>;
  readonly source: string;
}

export interface QueueUnderTest {
  readonly name: string;
  /** Takes away all that is in the queue, of every source. */
  clear(): Promise<void>;
  /** The queue of a source, as another process would open it. */
  open<Work>(options: QueueOptions<Work>): Promise<WorkQueue<Work>>;
  /** Several processes can have it open at once; otherwise the queue that is open is closed, as by the end of its process, for the next to open. */
  readonly isShared: boolean;
}

const never = new AbortController().signal;
setMaxListeners(0, never);
const [a, b, c] = ['select 1', 'select 2', 'select 3'].map((sql) => makeFragment(sql)) as [
  Fragment,
  Fragment,
  Fragment,
];

/** Every provider passes this suite; a difference between two is a bug in one of them. */
export function describeWorkQueue({ name, clear, open, isShared }: QueueUnderTest): void {
  describe(`WorkQueue ${name}`, () => {
    let opened: AsyncDisposable[];
    let queue: WorkQueue<Fragment>;

    async function another(options: Partial<QueueOptions<Fragment>> = {}): Promise<WorkQueue<Fragment>> {
      const made = await open({
        kind: fragments,
        source: '7000/1',
        backoff: { firstMs: 20, maxMs: 60_000 },
        ...options,
      });
      opened.push(made);
      return made;
    }

    /** The queue as the next process finds it. */
    async function reopened(options: Partial<QueueOptions<Fragment>> = {}): Promise<WorkQueue<Fragment>> {
      if (!isShared) await queue[Symbol.asyncDispose]();
      return another(options);
    }

    beforeEach(async () => {
      await clear();
      opened = [];
      queue = await another();
    });
    afterEach(async () => {
      for (const each of opened.reverse()) await each[Symbol.asyncDispose]();
    });

    async function claimed(from = queue): Promise<WorkLease<Fragment>> {
      const lease = await from.claim(never);
      if (lease === undefined) throw new Error('nothing was claimed');
      return lease;
    }

    const push = (...works: readonly Fragment[]): ReturnType<typeof queue.push> =>
      queue.push(works.map((work) => ({ work, priority: 1 })));

    test('hands out what was pushed, in full', async () => {
      const awkward = makeFragment(`select 'ünï "quoted" \\ {1,2} \t'`, {
        settings: { DateStyle: "ISO, 'x'" },
      });
      expect(await push(awkward)).toEqual(['added']);
      expect(await queue.lengths()).toMatchObject({ waiting: 1, delayed: 0, running: 0, dead: 0 });
      const lease = await claimed();
      expect(lease.work).toEqual(awkward);
      expect(lease).toMatchObject({ priority: 1, attempt: 1 });
      expect(Math.abs(lease.queuedAt - Date.now())).toBeLessThan(60_000);
      expect(await queue.lengths()).toEqual({ waiting: 0, delayed: 0, running: 1, dead: 0 });
      expect(await queue.complete(lease)).toBe(true);
      expect(await queue.lengths()).toEqual({ waiting: 0, delayed: 0, running: 0, dead: 0 });
    });

    test('push of known work raises its priority, in one push and in several', async () => {
      await queue.push([
        { work: a, priority: 1 },
        { work: b, priority: 4 },
      ]);
      expect(await push(a)).toEqual(['raised']);
      expect(
        await queue.push([
          { work: a, priority: 2 },
          { work: c, priority: 1 },
          { work: a, priority: 3 },
        ]),
      ).toEqual(['raised', 'added', 'raised']);
      expect(await queue.lengths()).toMatchObject({ waiting: 3 });
      expect(await claimed()).toMatchObject({ work: a, priority: 7 });
      expect((await claimed()).work).toEqual(b);
    });

    test('says how long the oldest of what waits has been there, however little it is wanted', async () => {
      expect((await queue.lengths()).oldestMs).toBeUndefined();
      await queue.push([{ work: a, priority: 1 }]);
      const ofOne = await until('it has waited', async () => {
        const { oldestMs = 0 } = await queue.lengths();
        return oldestMs > 30 && oldestMs;
      });
      await queue.push([{ work: b, priority: 9 }]);
      expect((await queue.lengths()).oldestMs).toBeGreaterThanOrEqual(ofOne);
      await queue.complete(await claimed());
      expect((await queue.lengths()).oldestMs).toBeGreaterThanOrEqual(ofOne);
      const last = await claimed();
      expect((await queue.lengths()).oldestMs).toBeUndefined();
      await queue.release(last, 600_000);
      expect((await queue.lengths()).oldestMs).toBeUndefined();
    });

    test('push of work that is running does not queue it again', async () => {
      await push(a);
      const lease = await claimed();
      expect(await push(a)).toEqual(['raised']);
      expect(await queue.lengths()).toMatchObject({ waiting: 0, running: 1 });
      expect(await queue.complete(lease)).toBe(true);
      expect(await push(a)).toEqual(['added']);
    });

    test('claims by priority, then by age', async () => {
      const priorities = [1, 3, 2, 3, 1, 2.5, 3, 1e-3, 1e9];
      for (const [n, priority] of priorities.entries())
        await queue.push([{ work: makeFragment(`select ${n}`), priority }]);
      const order: string[] = [];
      for (const _ of priorities) order.push((await claimed()).work.sql);
      expect(order).toEqual([8, 1, 3, 6, 5, 2, 0, 4, 7].map((n) => `select ${n}`));
    });

    test('claims what was pushed together in the order it was given', async () => {
      const works = Array.from({ length: 20 }, (_, n) => makeFragment(`select ${n}`));
      await push(...works);
      const claims = await Promise.all(works.map(() => claimed()));
      expect(claims.map(({ work }) => work.sql)).toEqual(works.map(({ sql }) => sql));
    });

    test('the greatest priority there is, again and again, is more than any other and does no harm', async () => {
      for (let n = 0; n < 3; n++) await queue.push([{ work: a, priority: Number.MAX_VALUE }]);
      await queue.push([
        { work: b, priority: 1 },
        { work: c, priority: -Number.MAX_VALUE },
        { work: c, priority: -Number.MAX_VALUE },
      ]);
      const order = [await claimed(), await claimed(), await claimed()];
      expect(order.map(({ work }) => work.sql)).toEqual([a.sql, b.sql, c.sql]);
      expect(order.every(({ priority }) => Number.isFinite(priority))).toBe(true);
    });

    test('a statement of a megabyte is kept and handed out as any other', async () => {
      const large = makeFragment(`select '${'ü'.repeat(500_000)}'`);
      expect(await push(large)).toEqual(['added']);
      const lease = await claimed();
      expect(lease.work.sql === large.sql).toBe(true);
      expect(await queue.bury(lease, 'too large')).toBe(true);
    });

    test('drops what is no text to a server, and nothing that comes with it', async () => {
      const [nul, half] = [makeFragment(`select '\0'`), makeFragment(`select '\ud83d'`)];
      const backslashes = makeFragment(`select '\\u0000', '\\\\ud83d', '😀'`);
      expect(await push(nul, a, half, backslashes)).toEqual(['dropped', 'added', 'dropped', 'added']);
      expect(await push(nul)).toEqual(['dropped']);
      await queue.complete(await claimed());
      expect((await claimed()).work).toEqual(backslashes);
    });

    test('keeps the same hash of two partition keys apart', async () => {
      expect(await push(a, { ...a, partitionKey: 'city' })).toEqual(['added', 'added']);
    });

    test('keeps what is for one server from those who work for another', async () => {
      await push(a);
      const other = await another({ source: '7001/1' });
      expect(await other.claim(AbortSignal.timeout(50))).toBeUndefined();
      expect(await other.lengths()).toEqual({ waiting: 0, delayed: 0, running: 0, dead: 0 });
      expect(await other.push([{ work: a, priority: 1 }])).toEqual(['added']);
      expect((await claimed(other)).work).toEqual(a);
      expect((await claimed()).work).toEqual(a);
    });

    test('a claim that waits is woken by a push', async () => {
      const waiting = queue.claim(never);
      await turn();
      await push(a);
      expect((await waiting)?.work).toEqual(a);
    });

    test('a claim that waits is woken by a release', async () => {
      await push(a);
      const lease = await claimed();
      const waiting = queue.claim(never);
      await turn();
      expect(await queue.release(lease)).toBe(true);
      expect(await waiting).toMatchObject({ work: a, attempt: 1 });
    });

    test('a claim resolves to undefined when aborted: before, and while waiting; and takes nothing', async () => {
      expect(await queue.claim(AbortSignal.abort())).toBeUndefined();
      const controller = new AbortController();
      const waiting = queue.claim(controller.signal);
      controller.abort();
      expect(await waiting).toBeUndefined();
      await push(a);
      expect((await claimed()).work).toEqual(a);
    });

    test('a claim resolves to undefined when the queue is disposed of', async () => {
      const waiting = queue.claim(never);
      await turn();
      await queue[Symbol.asyncDispose]();
      expect(await waiting).toBeUndefined();
      expect(await queue.claim(never)).toBeUndefined();
    });

    test('fail delays the next attempt, then buries; a push brings it back with its attempts forgotten', async () => {
      const strict = isShared ? await another({ maxAttempts: 2 }) : await reopened({ maxAttempts: 2 });
      await strict.push([{ work: a, priority: 1 }]);
      const before = Date.now();
      const failed = await strict.fail(await claimed(strict), 'first');
      expect(failed).toMatchObject({ kind: 'retried' });
      if (failed !== false && failed.kind === 'retried') expect(failed.at).toBeGreaterThan(before - 60_000);
      const second = await claimed(strict);
      expect(second.attempt).toBe(2);
      expect(await strict.fail(second, 'second')).toEqual({ kind: 'buried' });
      expect(await strict.lengths()).toEqual({ waiting: 0, delayed: 0, running: 0, dead: 1 });
      expect(await strict.deadLetters(10)).toMatchObject([
        { query: a.sql, partitionKey: 'region', reason: 'second' },
      ]);
      expect(await strict.push([{ work: a, priority: 1 }])).toEqual(['added']);
      expect(await strict.lengths()).toMatchObject({ waiting: 1, dead: 0 });
      expect(await claimed(strict)).toMatchObject({ attempt: 1 });
    });

    test('bury makes a dead letter at once, and the latest are told first', async () => {
      await push(a, b);
      for (const reason of ['not SQL', 'neither \u0000']) {
        const buriedAt = Date.now();
        expect(await queue.bury(await claimed(), reason)).toBe(true);
        await until('the clock has moved', () => Date.now() > buriedAt + 1);
      }
      const letters = await queue.deadLetters(10);
      expect(letters.map(({ query }) => query)).toEqual([b.sql, a.sql]);
      expect(letters[1]?.reason).toBe('not SQL');
      expect(await queue.deadLetters(1)).toHaveLength(1);
    });

    test('release does not count as an attempt, and can delay', async () => {
      await push(a);
      for (let n = 0; n < 3; n++) {
        const lease = await claimed();
        expect(lease.attempt).toBe(1);
        expect(await queue.release(lease)).toBe(true);
      }
      expect(await queue.release(await claimed(), 600_000)).toBe(true);
      expect(await queue.lengths()).toEqual({ waiting: 0, delayed: 1, running: 0, dead: 0 });
    });

    test('refuses: a lease that was ended, or that another worker has by now', async () => {
      await push(a);
      const first = await claimed();
      await queue.release(first);
      const second = await claimed();
      expect(await queue.extend(first)).toBe(false);
      expect(await queue.complete(first)).toBe(false);
      expect(await queue.fail(first, 'late')).toBe(false);
      expect(await queue.bury(first, 'late')).toBe(false);
      expect(await queue.release(first)).toBe(false);
      expect(await queue.extend(second)).toBe(true);
      expect(await queue.complete(second)).toBe(true);
      expect(await queue.complete(second)).toBe(false);
    });

    test('clear removes what waits and what is delayed, of this source, and leaves what runs and what is dead', async () => {
      const other = await another({ source: '7000/2' });
      if (isShared) await other.push([{ work: a, priority: 1 }]);
      await queue.push([a, b, c].map((work, i) => ({ work, priority: 3 - i })));
      const running = await queue.claim(never);
      const delayed = await queue.claim(never);
      await queue.release(delayed as WorkLease<Fragment>, 60_000);
      expect(await queue.lengths()).toMatchObject({ waiting: 1, delayed: 1, running: 1 });
      expect(await queue.clear()).toBe(2);
      expect(await queue.lengths()).toEqual({ waiting: 0, delayed: 0, running: 1, dead: 0 });
      if (isShared) expect(await other.lengths()).toMatchObject({ waiting: 1 });
      await queue.bury(running as WorkLease<Fragment>, 'no reason');
      expect(await queue.clear()).toBe(0);
      expect(await queue.lengths()).toMatchObject({ dead: 1 });
      // What was removed is new when it comes again.
      expect(await queue.push([{ work: b, priority: 1 }])).toEqual(['added']);
    });

    test('keeps the latest dead letters only', async () => {
      const strict = isShared ? await another({ maxDead: 3 }) : await reopened({ maxDead: 3 });
      for (let n = 0; n < 6; n++) {
        await strict.push([{ work: makeFragment(`select ${n}`), priority: 1 }]);
        await strict.bury(await claimed(strict), 'reason');
      }
      const letters = (await strict.deadLetters(10)).map(({ query }) => query);
      expect(letters).toEqual(['select 5', 'select 4', 'select 3']);
    });

    test('a full queue drops what is wanted least', async () => {
      const small = isShared ? await another({ maxLength: 10 }) : await reopened({ maxLength: 10 });
      for (let n = 0; n < 40; n++) await small.push([{ work: makeFragment(`select ${n}`), priority: n }]);
      const { waiting } = await small.lengths();
      expect(waiting).toBeLessThanOrEqual(19);
      expect((await claimed(small)).work.sql).toBe('select 39');
    });

    test('50 workers do each of 300 pieces once, and none twice at once', async () => {
      const works = Array.from({ length: 300 }, (_, n) => makeFragment(`select ${n}`));
      const queues = isShared ? await Promise.all([1, 2, 3, 4].map(() => another())) : [queue];
      const done: string[] = [];
      const running = new Set<string>();
      const end = new AbortController();
      setMaxListeners(0, end.signal);
      const workers = Array.from({ length: 50 }, async (_, n) => {
        const own = queues[n % queues.length] ?? queue;
        for (;;) {
          const lease = await own.claim(end.signal);
          if (lease === undefined) return;
          if (running.has(lease.work.sql)) throw new Error(`${lease.work.sql} runs twice`);
          running.add(lease.work.sql);
          await turn();
          running.delete(lease.work.sql);
          done.push(lease.work.sql);
          if (!(await own.complete(lease))) throw new Error(`${lease.work.sql} was taken away`);
        }
      });
      await push(...works.slice(0, 150));
      await push(...works.slice(150));
      await until('all is done', async () => {
        const { waiting, running: held } = await queue.lengths();
        return waiting + held === 0;
      });
      end.abort();
      await Promise.all(workers);
      expect([...done].sort()).toEqual(works.map(({ sql }) => sql).sort());
    });

    test('work that loses its workers again and again is buried', async () => {
      const limits = { leaseMs: 1, maxAttempts: 2 };
      let worker = isShared ? await another(limits) : await reopened(limits);
      await worker.push([{ work: a, priority: 1 }]);
      for (const attempt of [1, 2]) {
        expect(await claimed(worker)).toMatchObject({ attempt });
        if (isShared) continue;
        await worker[Symbol.asyncDispose]();
        worker = await another(limits);
      }
      const waiting = worker.claim(never);
      await until('it is buried', async () => (await worker.lengths()).dead === 1);
      expect((await worker.deadLetters(1))[0]?.reason).toMatch(/workers were lost/);
      await worker.push([{ work: b, priority: 1 }]);
      expect((await waiting)?.work).toEqual(b);
    });

    test('what a worker that is gone had is claimed again, and its attempt counts', async () => {
      if (isShared) queue = await another({ leaseMs: 300 });
      await push(a, b);
      const lost = await claimed();
      expect(lost.work).toEqual(a);
      const next = await reopened();
      const claims = [await claimed(next), await claimed(next)];
      expect(claims.find(({ work }) => work.hash === a.hash)).toMatchObject({ attempt: 2 });
      expect(claims.find(({ work }) => work.hash === b.hash)).toMatchObject({ attempt: 1 });
      if (isShared) expect(await queue.complete(lost)).toBe(false);
    });

    if (isShared) {
      test('extend keeps a lease', async () => {
        const short = await another({ leaseMs: 1_500 });
        await short.push([{ work: a, priority: 1 }]);
        const lease = await claimed(short);
        const claim = short.claim(AbortSignal.timeout(4_000));
        let isOver = false;
        void claim.then(() => (isOver = true));
        await until('the claim has waited in vain', async () => {
          expect(await short.extend(lease)).toBe(true);
          return isOver;
        });
        expect(await claim).toBeUndefined();
        expect(await short.complete(lease)).toBe(true);
      });

      test('what another process pushes wakes a claim', async () => {
        const waiting = queue.claim(never);
        const other = await another();
        await other.push([{ work: a, priority: 1 }]);
        expect((await waiting)?.work).toEqual(a);
      });
    }
  });
}
