import { Client } from 'pg';
import { reads } from '../support/changing-data';
import { multiset } from '../support/engine-harness';
import { FakeClock, fakeTimeLibrary } from '../support/fake-clock';
import { ProxiedDatabase } from '../support/proxied-database';
import { temporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';

const dayMs = 86_400_000;
const title = 'a clock that is set while the proxy runs';
(fakeTimeLibrary === undefined ? describe.skip : describe)(
  fakeTimeLibrary === undefined ? `${title} (skipped: faketime is not installed)` : title,
  () => {
    test('ends nobody’s session or statement, and holds up nothing that is to be learned', async () => {
      await using directory = await temporaryDirectory('clock', { openToOthers: true });
      const clock = new FakeClock(directory);
      await using database = await ProxiedDatabase.start({
        cache: { backend: 'rocksdb_set' },
        environment: clock.environment,
        sections: { limits: { query_timeout_ms: 30_000, idle_timeout_ms: 30_000, login_timeout_ms: 30_000 } },
      });
      const connect = async (connection: object): Promise<Client> => {
        const client = new Client(connection);
        await client.connect();
        return client;
      };
      const idle = await connect(database.through);
      const client = await connect(database.through);
      const direct = await connect(database.direct);
      const answer = async (session: Client, text: string): Promise<readonly string[]> =>
        multiset(await session.query<unknown[]>({ text, rowMode: 'array' }));
      let known = 0;
      // Back, ahead, and to what it should be.
      for (const days of [-2, 30, 0]) {
        const running = client.query('select pg_sleep(0.2)');
        clock.setBy(days);
        await running;
        await until('it is another day there', async () => {
          const { headers } = await fetch(`${database.adminUrl}/healthz`);
          const shown = Date.parse(headers.get('date') ?? '');
          return Math.abs(shown - (Date.now() + days * dayMs)) < dayMs / 2;
        });
        known += 1;
        for (const text of reads.slice(0, known)) {
          await until(
            `"${text}" is restricted`,
            async () => {
              const before = await database.hits();
              expect(await answer(client, text)).toEqual(await answer(direct, text));
              return (await database.hits()) > before;
            },
            { deadlineMs: 30_000 },
          );
        }
        const [age = NaN] = [(await database.metrics()).get('pcache_entry_age_seconds{of="oldest"}')];
        expect(age).toBeGreaterThanOrEqual(0);
      }
      expect((await idle.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      expect(await database.trouble()).toEqual([]);
      for (const each of [idle, client, direct]) await each.end();
    }, 120_000);
  },
);
