import { Client } from 'pg';
import { Chromium, chromiumProblem, type ChromiumPage } from '../support/chromium';
import { ProxiedDatabase } from '../support/proxied-database';
import { until } from '../support/until';

const token = 'correct-horse-battery';
const markup = `select id as "<img src=x onerror=document.title='broken'>" from place where name = 'Rome' /* </pre><script>document.title='broken'</script> */`;
const looks = (['light', 'dark'] as const).flatMap((scheme) => [
  { scheme, width: 1280 },
  { scheme, width: 360 },
]);

(chromiumProblem === undefined ? describe : describe.skip)(
  `the admin page in Chromium${chromiumProblem === undefined ? '' : ` (${chromiumProblem})`}`,
  () => {
    let database: ProxiedDatabase;
    let chromium: Chromium;
    let client: Client;

    beforeAll(async () => {
      [database, chromium] = await Promise.all([
        ProxiedDatabase.start({
          consistency: 'exact',
          sections: { admin: { port: 0, token_env: 'PCACHE_ADMIN_TOKEN' } },
          environment: { PCACHE_ADMIN_TOKEN: token },
        }),
        Chromium.start(),
      ]);
      client = new Client(database.through);
      await client.connect();
      await until('a statement is restricted', async () => {
        const before = await database.hits();
        await client.query(markup);
        return (await database.hits()) > before;
      });
    });
    afterAll(async () => {
      await client?.end();
      await chromium?.[Symbol.asyncDispose]();
      await database?.[Symbol.asyncDispose]();
    });

    const text = (page: ChromiumPage, selector: string) =>
      page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent`);

    test.each(looks)(
      '$scheme, $width wide: nothing is forbidden, cut off, or taken for HTML',
      async (look) => {
        const page = await chromium.open(database.adminUrl, look);
        expect(await text(page, '.sql pre')).toContain('onerror=document.title');
        expect(await page.evaluate('document.title')).toBe('pcache');
        expect(await page.evaluate(`document.querySelectorAll('main img, main script').length`)).toBe(0);
        const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
        expect(await page.evaluate(overflow)).toBe(0);
        const ground = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
        const [red = NaN] = /\d+/.exec(ground)?.map(Number) ?? [];
        expect(red > 128).toBe(look.scheme === 'light');
        expect((await page.screenshot()).length).toBeGreaterThan(10_000);
        expect(page.complaints).toEqual([]);
        await page.close();
      },
    );

    test('without scripts all figures are there, and the mode can be set', async () => {
      const page = await chromium.open(database.adminUrl, { width: 1280, hasScript: false });
      expect(
        Number(await page.evaluate(`document.querySelectorAll('#shapes tbody tr').length`)),
      ).toBeGreaterThan(0);
      expect(await text(page, '.mode b')).toBe('on');
      await page.submit(`document.querySelector('[name=mode][value=verify]').checked = true;
        document.querySelector('[name=token]').value = '${token}';
        document.querySelector('.switch form').submit()`);
      expect(await text(page, '.mode b')).toBe('verify');
      await page.close();
    });

    test('the mode is switched with the token, for sessions that are open as well, and given back', async () => {
      const page = await chromium.open(database.adminUrl, { width: 1280 });
      const set = (mode: string, shown: string) =>
        page.evaluate(`document.querySelector('.switch').open = true;
          document.querySelector('[name=mode][value=${mode}]').checked = true;
          document.querySelector('[name=token]').value = '${shown}';
          document.querySelector('.switch button').click()`);
      const said = (what: string) => until(what, async () => (await text(page, '.switch output')) === what);
      const shows = (mode: string) =>
        until(`the page shows ${mode}`, async () => (await text(page, '.mode b')) === mode);

      await set('observe', 'wrong');
      await said('that is not the token');
      await set('observe', '');
      await said('this takes the token');
      expect(database.logged('the mode was changed by an operator').at(-1)).not.toMatchObject({
        mode: 'observe',
      });

      await set('observe', token);
      await shows('observe');
      const hits = await database.hits();
      await until('statements go as they came', async () => {
        await client.query(markup);
        const left = (await database.metrics()).get(
          'pcache_rewrite_outcome_total{outcome="bypassed",reason="observe mode"}',
        );
        return (left ?? 0) > 0;
      });
      expect(await database.hits()).toBe(hits);
      await set('configured', token);
      await shows('on');
      await until('a statement is restricted', async () => {
        await client.query(markup);
        return (await database.hits()) > hits;
      });
      await page.close();
    });

    test('another site cannot have a browser switch the mode, whatever it knows', async () => {
      const page = await chromium.open('about:blank', { width: 400 });
      const fields = { mode: 'off', token };
      await page.submit(`document.body.innerHTML = '<form method="post" action="${database.adminUrl}/mode"></form>';
        for (const [name, value] of Object.entries(${JSON.stringify(fields)}))
          document.forms[0].append(Object.assign(document.createElement('input'), { name, value }));
        document.forms[0].submit()`);
      expect(await text(page, 'body')).toContain('requests of other sites change nothing here');
      const changes = database.logged('the mode was changed by an operator');
      expect(changes.filter(({ mode }) => mode === 'off')).toEqual([]);
      await page.close();
    });

    test('in the end there was no trouble', () =>
      database
        .trouble()
        .then((trouble) =>
          expect(trouble.filter((each) => !each.includes('the mode was changed'))).toEqual([]),
        ));
  },
);
