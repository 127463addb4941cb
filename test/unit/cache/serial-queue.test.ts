import { SerialQueue } from '../../../src/cache/serial-queue';

describe('SerialQueue', () => {
  test('runs jobs one after the other, in order, also after one that fails', async () => {
    const queue = new SerialQueue();
    const events: string[] = [];
    const job =
      (name: string, fails = false) =>
      async (): Promise<string> => {
        events.push(`${name} begins`);
        await Promise.resolve();
        events.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      };
    const outcomes = await Promise.allSettled([
      queue.run(job('a', true)),
      queue.run(job('b')),
      queue.run(job('c')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  test('is idle when the last job has ended, however it did', async () => {
    const queue = new SerialQueue();
    const failing = queue.run(async () => {
      throw new Error('it fails');
    });
    await queue.idle();
    await expect(failing).rejects.toThrow('it fails');
  });
});
