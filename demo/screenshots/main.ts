import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { Chromium, chromiumProblem } from '../../test/support/chromium';
import { Cleanup, createReaders, database, startDatabase, startProxy, type DemoProxy } from '../demo-servers';
import { loadPlaces } from '../places/load-places';
import { questions } from '../questions';

const looks = [
  { name: 'wide-light', width: 1280, scheme: 'light' },
  { name: 'wide-dark', width: 1280, scheme: 'dark' },
  { name: 'narrow-light', width: 390, scheme: 'light' },
  { name: 'narrow-dark', width: 390, scheme: 'dark' },
] as const;

/** How long the proxy is kept busy before it is looked at, in milliseconds. */
const loadMs = Number(process.env['SCREENSHOT_LOAD_S'] ?? 100) * 1_000;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Takes pictures of the admin page as it is with real servers and the places of the demo: while questions are asked again and again, some of them new, and
 * somebody writes.
 */
export async function takeScreenshots(directory: string): Promise<void> {
  if (chromiumProblem !== undefined) throw new Error(`there is no browser: ${chromiumProblem}`);
  await mkdir(directory, { recursive: true });
  await using cleanup = new Cleanup();
  say('starting PostgreSQL with the places of GeoNames, and the proxy');
  const postgres = await startDatabase(cleanup);
  const admin = new Client(postgres.connectionOptions(database));
  admin.on('error', () => undefined);
  await admin.connect();
  cleanup.add(() => admin.end());
  await loadPlaces(admin);
  const { controlPassword } = await createReaders(admin);
  const token = randomBytes(16).toString('hex');
  const proxy = await startProxy(postgres, controlPassword, cleanup, { consistency: 'exact', token });

  say(`asking for ${loadMs / 1_000} s`);
  await work(proxy, admin, performance.now() + loadMs);

  await using chromium = await Chromium.start();
  for (const { name, ...look } of looks) {
    const page = await chromium.open(`${proxy.adminUrl}/`, look);
    const file = join(directory, `page-${name}.png`);
    await writeFile(file, await page.screenshot());
    if (page.complaints.length > 0) say(page.complaints.join('\n'));
    await page.close();
    say(resolve(file));
  }
  const page = await chromium.open(`${proxy.adminUrl}/?order=calls`, { width: 1280, scheme: 'light' });
  await page.evaluate(
    `document.querySelector('.switch').open = true; document.querySelectorAll('.sql details')[2].open = true`,
  );
  await writeFile(join(directory, 'page-opened.png'), await page.screenshot());
  say(resolve(join(directory, 'page-opened.png')));
}

/** Some clients that ask and one that writes, until it is time. */
async function work(proxy: DemoProxy, writer: Client, untilMs: number): Promise<void> {
  const isOver = (): boolean => performance.now() > untilMs;
  const asking = [0, 1].map(async (which) => {
    const client = new Client(proxy.connection);
    client.on('error', () => undefined); // the next query fails with the same error, and is awaited
    await client.connect();
    for (let round = 0; !isOver(); round++) {
      for (const { sql, parameters = [] } of questions) {
        if (isOver()) break;
        await client.query(sql, [...parameters]);
        for (const each of quick(round)) await client.query(each);
      }
      if (which === 0 && round % 2 === 1) for (const each of leftAlone) await client.query(each);
    }
    await client.end();
  });
  const writing = (async () => {
    for (let i = 0; !isOver(); i++) {
      await writer.query(`update place set population = population where region_id = $1`, [(i * 37) % 3879]);
      await writer.query('select pg_sleep(0.3)');
    }
  })();
  await Promise.all([...asking, writing]);
}

/** Point look-ups, and questions that differ in their constants. */
function quick(round: number): readonly string[] {
  return [
    `select name from place where place_id = ${1_000 + round}`,
    `select count(*) from place a join place b on a.region_id = b.region_id
      where a.name = 'San ${['José', 'Juan', 'Pedro', 'Luis', 'Carlos', 'Miguel'][round % 6] ?? ''}' and b.population > 500000`,
    'select 1',
  ];
}

const leftAlone: readonly string[] = [
  `select name from place where name like 'A%' order by random() limit 3`,
  `with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select count(*) from place, r where region_id = n`,
  `select count(*) from place tablesample system (5)`,
];
