import { once } from 'node:events';
import { Client } from 'pg';
import { readOptions, usage, type DemoOptions } from './demo-options';
import {
  Cleanup,
  createReaders,
  database,
  directConnection,
  startDatabase,
  startProxy,
  type DemoProxy,
} from './demo-servers';
import { geometricMean, measure, type Measurement } from './measure';
import { loadPlaces } from './places/load-places';
import { QuestionSession } from './question-session';
import { questions } from './questions';
import { Report } from './report';

/** Everything but the JSON document of --json goes here. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs the demo; resolves to the exit code. */
export async function runDemo(args: readonly string[]): Promise<number> {
  let options: DemoOptions | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    say(`${error.message}\n\n${usage}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(usage);
    return 0;
  }

  const stopped = untilTold();
  await using cleanup = new Cleanup();
  const running = demonstrate(options, cleanup, stopped);
  // If told to stop in the middle, what was running fails as its servers go; nobody is interested in that any more.
  const outcome = await Promise.race([running, stopped.then(() => undefined)]);
  if (outcome === undefined) running.catch(() => undefined);
  return outcome ?? 130;
}

async function demonstrate(
  options: DemoOptions,
  cleanup: Cleanup,
  stopped: Promise<unknown>,
): Promise<number> {
  say('starting PostgreSQL');
  const postgres = await startDatabase(cleanup);
  const admin = new Client(postgres.connectionOptions(database));
  admin.on('error', () => undefined); // the next query fails with the same error, and is awaited
  await admin.connect();
  cleanup.add(() => admin.end());

  say('loading the places of GeoNames');
  const { places, regions } = await loadPlaces(admin);
  say(`${places} places in ${regions} regions`);
  const { controlPassword } = await createReaders(admin);

  say('starting the proxy');
  const proxy = await startProxy(postgres, controlPassword, cleanup);
  const direct = await QuestionSession.open(directConnection(postgres));
  cleanup.add(() => direct.close());
  const proxied = await QuestionSession.open(proxy.connection);
  cleanup.add(() => proxied.close());

  const report = new Report(process.stderr.isTTY && process.env['NO_COLOR'] === undefined);
  say(`\n${report.header()}`);
  const results: Measurement[] = [];
  for (const question of questions) {
    const sessions = { direct, proxied, observer: admin, adminUrl: proxy.adminUrl };
    const result = await measure(question, sessions, { runs: options.runs, totalKeys: regions });
    results.push(result);
    say(report.row(question, result));
  }
  const speedup = geometricMean(results.map(({ direct_ms, cached_ms }) => direct_ms / cached_ms));
  say(
    `\n${speedup.toFixed(1)} times faster in the geometric mean; medians of ${options.runs} runs, in turns\n`,
  );
  if (options.json) {
    const document = { queries: results, speedup_geomean: speedup };
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  }

  if (!options.once) {
    say(invitation(proxy));
    await stopped;
  }
  return results.every(({ identical }) => identical) ? 0 : 1;
}

/** What a visitor can do while it stays up. */
function invitation(proxy: DemoProxy): string {
  const { user, password, host, port, database: name } = proxy.connection;
  return `Try it yourself until you press Ctrl-C:

  psql "postgresql://${user}:${password}@${host}:${port}/${name}"

  \\timing on                    then ask something twice
  set pcache.mode = 'off';      the same without help
  ${proxy.adminUrl}/metrics`;
}

/** Resolves when the process is told to stop. A second Ctrl-C ends it at once; the guardians then tidy up. */
async function untilTold(): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  await Promise.race(signals.map((signal) => once(process, signal)));
  process.once('SIGINT', () => process.exit(130));
  say('stopping');
}
