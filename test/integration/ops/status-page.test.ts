import { AdminServer } from '../../../src/ops/admin/admin-server';
import { type HttpReply } from '../../../src/ops/admin/http-reply';
import { StatusPage } from '../../../src/ops/admin/page/status-page';
import { Readiness } from '../../../src/ops/admin/readiness';
import { Secret } from '../../../src/ops/config/secret';
import { createLog } from '../../../src/ops/log/create-log';
import { Metrics } from '../../../src/ops/metrics/metrics';
import { History } from '../../../src/ops/statistics/history';
import { readHistoryValues } from '../../../src/ops/statistics/history-values';
import { type StatementShape } from '../../../src/ops/statistics/statement-statistics';

const host = '127.0.0.1';
const token = 'correct-horse-battery';
const log = createLog({ level: 'silent', format: 'json', sql: false });

const shape: StatementShape = {
  ...{ fingerprint: 'f1', text: 'select 1', calls: 10, hits: 6, partials: 1, misses: 2, bypasses: 1 },
  ...{ fallbacks: 0, failures: 0, directRuns: 3, directMs: 300, totalDirectMs: 900 },
  ...{ restrictedRuns: 7, restrictedMs: 10, totalRestrictedMs: 70, savedMs: 2_030, lastReason: 'miss' },
};

const totals = {
  ...{ hits: 6, partials: 1, misses: 2, bypasses: 1, fallbacks: 0, failures: 0 },
  ...{ savedMs: 2_034, lostMs: 4 },
};

interface Parts {
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly url: string;
  /** The text of a page that is there. */
  readonly read: (path?: string) => Promise<string>;
}

async function withPage(
  shapes: readonly StatementShape[],
  use: (parts: Parts) => Promise<void>,
): Promise<void> {
  const metrics = new Metrics({ version: '1' });
  const readiness = new Readiness({ log });
  readiness.markRunning();
  metrics.statements.watch('places', { totals, shapes: () => shapes });
  const history = new History({ read: () => readHistoryValues(metrics), log });
  await history.step(Date.now() - 10_000);
  await history.step();
  const page = new StatusPage({
    ...{ version: '1.2.3', metrics, readiness, history, canChange: true },
    databases: () => ['places'],
    control: () => undefined,
  });
  await using server = new AdminServer({
    ...{ listen: { host, port: 0 }, metrics, readiness, log, pages: page.pages, actions: page.actions },
    access: { access: 'open', token: new Secret(token) },
  });
  const { port } = await server.start();
  const url = `http://${host}:${port}`;
  const read = async (path = '/'): Promise<string> => {
    const response = await fetch(url + path);
    expect(response.status).toBe(200);
    return response.text();
  };
  await use({ metrics, readiness, url, read });
}

const hostile = [
  `select '<script>alert(1)</script>' as "<img src=x onerror=alert(1)>"`,
  `select 1 /* </pre></code></details></table></main><script src=//evil.example></script> */`,
  `select '" onmouseover="alert(1)' , ' onfocus=alert(1) autofocus=`,
  'select `${1}` -- &lt;b&gt; &#60;b&#62; <!-- --> ]]> <style>*{display:none}</style>',
  'select \u202e gnihtemos \u2066 \u0000 \u001b[31m \u0085 \ud800 \ufeff',
];

describe('the page', () => {
  test('a process that has just begun has nothing to say, and says so', () =>
    withPage([], async ({ read }) => {
      const page = await read();
      for (const said of ['No statement has come yet', 'None is at work', 'None of those that name a table'])
        expect(page).toContain(said);
      expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    }));

  test('says what is saved, by which statements, and why others are left alone', () =>
    withPage(
      [shape, { ...shape, fingerprint: 'f2', directMs: 10, restrictedMs: 30, savedMs: -140 }],
      async (parts) => {
        const { metrics, read } = parts;
        for (const reason of ['view', 'view', 'miss', 'not a candidate'])
          metrics.proxy.statementFinished({ plan: 'forward', reason, outcome: 'complete', elapsedMs: 1 });
        metrics.keys.watch('places', {
          partitionKeys: () => [
            {
              ...{ partitionKey: 'region', datatype: 'integer', sets: 2, keys: 5 },
              parts: [
                { count: 4, first: '1', last: '9' },
                { count: 1, first: '10', last: '19' },
              ],
            },
          ],
        });
        const page = (await read()).replaceAll(/\s+/g, ' ').replaceAll('\u202f', ' ');
        expect(page).toContain('<strong>2.03 s</strong>');
        expect(page).toContain('30× faster');
        expect(page).toContain('3.0× slower');
        expect(page).toMatch(/<b>view<\/b>.*it reads a view.*<td class="n">2<\/td>/);
        expect(page).toContain('1 more name no table with a key');
        expect(page).toMatch(/<title>10 to 19: 1<\/title>/);
        expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
      },
    ));

  test.each(hostile)('a text that looks like HTML, or hides something, is shown as text: %j', (text) =>
    withPage([{ ...shape, text, lastReason: text }], async ({ readiness, read }) => {
      readiness.addCheck({ name: text, run: () => Promise.resolve(text) });
      const page = await read();
      const tags = [...page.matchAll(/<\/?([a-z]+)/g)].map(([, tag = '']) => tag);
      const reference = [...(await bare()).matchAll(/<\/?([a-z]+)/g)].map(([, tag = '']) => tag);
      expect(tags).toEqual(reference);
      expect(page).not.toMatch(/[\u202a-\u202e\u2066-\u2069\ufeff]|[^\P{Cc}\n]/u);
      expect(page).not.toMatch(/ on\w+="/);
    }),
  );

  /** The same page with a text that nobody would mind. */
  async function bare(): Promise<string> {
    let page = '';
    await withPage([{ ...shape, text: 'select', lastReason: 'select' }], async ({ readiness, read }) => {
      readiness.addCheck({ name: 'select', run: () => Promise.resolve('select') });
      page = await read();
    });
    return page;
  }

  test('runs no script but its own, and is in no other page', () =>
    withPage([shape], async ({ url, read }) => {
      const { headers } = await fetch(url);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(/^default-src 'none'; /);
      expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      const page = await read();
      expect(page).not.toMatch(/<script(?! src="\/page\.js")|<style|style="| on\w+="|https?:\/\//);
      for (const [, path = ''] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
        expect(path).toMatch(/^\//);
        if (path !== '/readyz') expect((await fetch(url + path)).status).toBe(200);
      }
    }));

  test('what is asked for in its address and cannot be is as if nothing had been said', () =>
    withPage([shape], async ({ read }) => {
      const stable = (page: string): string =>
        page.replaceAll(
          /<p class="about">[^]*?<\/p>|<div class="charts">[^]*?<\/section>|<dl>[^]*?<\/dl>/g,
          '',
        );
      const plain = stable(await read());
      for (const ask of [
        '?range=<script>&order=__proto__&shapes=-1',
        '?range=constructor&order=toString',
        '?%ff=%zz',
      ])
        expect(stable(await read(`/${ask}`))).toBe(plain);
      expect(await read('/?range=24h&order=calls&shapes=all')).toContain('order=calls');
    }));

  test('a queue that does not answer is left out, and the page is there all the same', () =>
    withPage([shape], async ({ metrics, read }) => {
      metrics.population.watchQueue('query_fragment_queue', () => new Promise(() => undefined));
      expect(await read()).toContain('Learning');
    }));

  test('however many look, what it shows is gathered once', () =>
    withPage([shape], async ({ metrics, url }) => {
      let [reads, answer] = [0, (): void => undefined];
      const state = { waiting: 0, delayed: 0, running: 0, dead: 0 };
      metrics.population.watchQueue('query_fragment_queue', () => {
        reads++;
        return new Promise((resolve) => (answer = () => resolve(state)));
      });
      const pages = Array.from({ length: 30 }, () => fetch(url));
      const first = await Promise.race([...pages, new Promise((resolve) => setTimeout(resolve, 100))]);
      expect(first).toBeUndefined();
      answer();
      expect((await Promise.all(pages)).map(({ status }) => status)).toEqual(pages.map(() => 200));
      expect(reads).toBe(1);
    }));

  test('refuses: what cannot be had in time, with 503', async () => {
    const metrics = new Metrics({ version: '1' });
    const readiness = new Readiness({ log });
    const pages = new Map([['/', () => new Promise<HttpReply>(() => undefined)]]);
    await using server = new AdminServer({ listen: { host, port: 0 }, metrics, readiness, log, pages });
    const { port } = await server.start();
    expect((await fetch(`http://${host}:${port}/`)).status).toBe(503);
  });

  test('refuses: a mode that does not exist, or while the proxy starts', () =>
    withPage([], async ({ url }) => {
      const set = async (mode: string) => {
        const body = new URLSearchParams({ mode, token });
        return (await fetch(`${url}/mode`, { method: 'POST', body, redirect: 'manual' })).status;
      };
      expect([await set('onn'), await set(''), await set('toString'), await set('on')]).toEqual([
        400, 400, 400, 503,
      ]);
    }));
});

describe('History', () => {
  const values = {
    ...{ hits: 0, wanted: 0, statements: 0, savedMs: 0, lostMs: 0 },
    changedKeys: undefined,
    staleShare: undefined,
  };

  test('keeps an hour finely and a day coarsely, and no more', async () => {
    const history = new History({ read: async () => values, log });
    for (let i = 0; i < 20_000; i++) await history.step(i * 5_000);
    expect(history.samples('1h')).toHaveLength(721);
    const day = history.samples('24h');
    expect(day.length).toBeLessThanOrEqual(290);
    expect(day.at(-1)?.atMs).toBe(19_999 * 5_000);
    expect(day[0]?.atMs).toBeGreaterThanOrEqual(19_999 * 5_000 - 86_400_000 - 300_000);
  });

  test('looks into databases each half minute only', async () => {
    let thorough = 0;
    const read = async (before: object | undefined) => {
      if (before === undefined) thorough++;
      return values;
    };
    const history = new History({ read, log });
    for (let i = 0; i < 60; i++) await history.step(i * 5_000);
    expect(thorough).toBe(10);
  });

  test('is bounded also if the clock is set back, and lives on if a sample cannot be had', async () => {
    let isBroken = false;
    const read = async () => {
      if (isBroken) throw new Error('not now');
      return values;
    };
    const history = new History({ read, log });
    for (let i = 2_000; i > 0; i--) await history.step(i * 5_000);
    isBroken = true;
    await history.step();
    expect(history.samples('1h')).toHaveLength(721);
  });
});
