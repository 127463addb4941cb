import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RocksdbStore } from '../../../src/cache/backends/rocksdb/rocksdb-store';
import { openRecord, sealRecord } from '../../../src/cache/codecs/record';
import { InProcessQueue } from '../../../src/population/queue/in-process-queue';
import { RocksdbJournal } from '../../../src/population/queue/rocksdb-journal';
import { fragments, originalQueries, type WorkKind } from '../../../src/population/queue/work-kind';
import type { WorkQueue } from '../../../src/population/queue/work-queue';
import { makeFragment } from '../../support/make-fragment';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';
import { describeWorkQueue, type QueueOptions } from '../../support/work-queue-conformance';

const seal = {
  seal: (payload: Uint8Array) => sealRecord('queue', payload),
  open: (record: Buffer) => openRecord('queue', record),
};
const never = new AbortController().signal;

let directory: TemporaryDirectory;
let store: RocksdbStore | undefined;
let users = 0;
let warnings: string[];
beforeAll(async () => {
  directory = await temporaryDirectory('queue');
});
beforeEach(() => {
  warnings = [];
});
afterAll(() => directory[Symbol.asyncDispose]());

const path = (): string => join(directory.path, 'store');

/** A queue in the one store of this process, which is closed with its last queue. */
async function open<Work>({ kind, source, ...limits }: QueueOptions<Work>): Promise<WorkQueue<Work>> {
  store ??= await RocksdbStore.open('queue', path());
  users += 1;
  const used = store;
  const journal = await RocksdbJournal.open(used, seal, kind, source, (message) => warnings.push(message));
  const queue = new InProcessQueue({ kind, journal, ...limits });
  const dispose = queue[Symbol.asyncDispose].bind(queue);
  let isDisposed = false;
  queue[Symbol.asyncDispose] = async () => {
    if (isDisposed) return;
    isDisposed = true;
    await dispose();
    users -= 1;
    if (users > 0) return;
    store = undefined;
    await used.close();
  };
  return queue;
}

async function clear(): Promise<void> {
  await rm(path(), { recursive: true, force: true });
}

describeWorkQueue({ name: 'in_process', isShared: false, clear, open });

describe('an in-process queue that is written down', () => {
  beforeEach(clear);
  const limits = { backoff: { firstMs: 600_000, maxMs: 600_000 } };
  const source = '1/1';

  test('finds after a restart what was in it, with priorities, attempts and order', async () => {
    const works = Array.from({ length: 2_500 }, (_, n) => makeFragment(`select ${n}`));
    {
      await using queue = await open({ kind: fragments, source, ...limits });
      await queue.push(works.map((work) => ({ work, priority: 1 })));
      await queue.push([{ work: works[7] ?? makeFragment(''), priority: 5 }]);
      for (const _ of [1, 2, 3]) {
        const lease = await queue.claim(never);
        if (lease !== undefined) await queue.complete(lease);
      }
      const failing = await queue.claim(never);
      if (failing !== undefined) await queue.fail(failing, 'reason');
      await queue.push([{ work: makeFragment('in a slot that was free'), priority: 9 }]);
    }
    await using queue = await open({ kind: fragments, source, ...limits });
    expect(await queue.lengths()).toMatchObject({ waiting: 2_497, delayed: 1, running: 0, dead: 0 });
    const order = [await queue.claim(never), await queue.claim(never), await queue.claim(never)];
    expect(order.map((lease) => lease?.work.sql)).toEqual([
      'in a slot that was free',
      'select 3',
      'select 4',
    ]);
    expect(warnings).toEqual([]);
  });

  test('keeps tiers and databases apart', async () => {
    const query = { query: 'select 1', partitionKey: 'region', datatype: 'integer' } as const;
    const reopened = async <Work>(kind: WorkKind<Work>, of: string): Promise<number> => {
      await using queue = await open({ kind, source: of });
      return (await queue.lengths()).waiting;
    };
    {
      await using queries = await open({ kind: originalQueries, source });
      await using queue = await open({ kind: fragments, source });
      await queries.push([{ work: query, priority: 1 }]);
      await queue.push(['select 1', 'select 2'].map((sql) => ({ work: makeFragment(sql), priority: 1 })));
    }
    expect(await reopened(originalQueries, source)).toBe(1);
    expect(await reopened(fragments, source)).toBe(2);
    expect(await reopened(fragments, '1/2')).toBe(0);
  });

  test('leaves out a damaged record, and tells of it', async () => {
    {
      await using queue = await open({ kind: fragments, source });
      await queue.push(['select 1', 'select 2'].map((sql) => ({ work: makeFragment(sql), priority: 1 })));
    }
    const damaged = await RocksdbStore.open('queue', path());
    const key = Buffer.from(['wquery_fragment_queue', source, '0'].join('\0'));
    await damaged.write([{ type: 'put', key, value: Buffer.from('nonsense') }], { sync: true });
    await damaged.close();
    await using queue = await open({ kind: fragments, source });
    expect(await queue.lengths()).toMatchObject({ waiting: 1 });
    expect(warnings).toEqual(['a record of the queue is damaged and is left out']);
  });
});
