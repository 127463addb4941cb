import { setImmediate as turn } from 'node:timers/promises';
import { Channel } from '../../../../src/cli/workers/channel';
import { answerCommands } from '../../../../src/cli/workers/console-calls';
import { Installation } from '../../../../src/cli/workers/installation';
import type { ConsoleSubjects, DatabaseFacts } from '../../../../src/ops/console/console-subjects';
import { Metrics } from '../../../../src/ops/metrics/metrics';
import { until } from '../../../support/until';
import { Forked } from '../../../support/workers/forked';
import { cancelNow, countOne, runCommand } from '../../../support/workers/looked-at-names';

const count = async (metrics: Metrics): Promise<number> =>
  (await metrics.read(['pcache_connections_total'])).sum('pcache_connections_total');

describe('workers that are looked at as one', () => {
  const workers: Forked[] = [];
  const channels: Channel[] = [];
  const installation = new Installation();
  const metrics = new Metrics({ version: '1' });
  metrics.watchOthers(installation);

  const begin = async (): Promise<Forked> => {
    const worker = new Forked('looked-at-process');
    const channel = new Channel(worker.child);
    workers.push(worker);
    channels.push(channel);
    installation.add(channel);
    await channel.call(countOne);
    return worker;
  };
  beforeAll(async () => {
    await begin();
    await begin();
  });
  afterAll(async () => {
    for (const worker of workers) await worker[Symbol.asyncDispose]();
  });

  test('counts stay when one ends, also one that was replaced, and is again', async () => {
    expect(await count(metrics)).toBe(2);
    for (let i = 0; i < 3; i++) {
      const dying = workers.at(-1)!;
      await dying.kill();
      await channels.at(-1)!.whenClosed;
      expect(await count(metrics)).toBe(2 + i);
      await begin();
      expect(await count(metrics)).toBe(3 + i);
    }
    const text = await metrics.text();
    expect(text).toContain('pcache_connections_total 5');
    expect(text).toContain('pcache_connections 2');
  });

  test('one that does not answer is shown as it was, and holds up nobody', async () => {
    const [stopped] = workers;
    const before = await count(metrics);
    stopped?.child.kill('SIGSTOP');
    const counted = channels[0]?.call(countOne);
    expect(await count(metrics)).toBe(before);
    for (let i = 0; i < 100; i++) expect(await count(metrics)).toBe(before);
    stopped?.child.kill('SIGCONT');
    await counted;
    await until('it is heard again', async () => (await count(metrics)) === before + 1);
  });

  test('databases have what all have of them, and a client is ended by the one that has it', async () => {
    await metrics.refresh();
    const facts = { name: 'places', keySetBytes: 1, trouble: undefined } as DatabaseFacts;
    expect(installation.databases([facts, { ...facts, name: 'others' }])).toEqual([
      { name: 'places', keySetBytes: 15, trouble: 'none is at hand' },
      { name: 'others', keySetBytes: 1, trouble: undefined },
    ]);
    expect([await installation.kill(1), await installation.kill(2)]).toEqual([true, false]);
  });

  test('a command that its client cancels is cancelled here, and so is one whose worker ends', async () => {
    let listing: 'none' | 'under way' | 'left' = 'none';
    const subjects = {
      fragments: async function* () {
        listing = 'under way';
        try {
          for (;;) {
            await turn();
            yield { fragment: {}, benefit: { uses: 0, savedMs: 0 } };
          }
        } finally {
          listing = 'left';
        }
      },
      version: 'this one',
    } as unknown as ConsoleSubjects;
    const channel = channels[0]!;
    answerCommands(channel, subjects, () => metrics.refresh());
    expect(await channel.call(runCommand, 'show version')).toEqual({
      rows: [['pcache this one']],
      tag: 'SHOW',
    });
    await expect(channel.call(runCommand, 'show nothing')).rejects.toMatchObject({ sqlState: '42601' });
    const cancelled = channel.call(runCommand, 'show fragments').catch((error: unknown) => error);
    await until('it is under way', () => listing === 'under way');
    await channel.call(cancelNow);
    expect(String(await cancelled)).toMatch(/aborted/);
    expect(listing).toBe('left');
    const lost = channel.call(runCommand, 'show fragments').catch((error: unknown) => error);
    await until('it is under way again', () => listing === 'under way');
    await workers[0]?.kill();
    expect(await lost).toMatchObject({ name: 'ChannelClosedError' });
    await until('it is left', () => listing === 'left');
  });
});
