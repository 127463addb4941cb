import { parseArgs } from 'node:util';
import { temporaryDirectory } from '../../test/support/temporary-directory';
import { describeMachine } from '../machine';
import { geometricMean } from '../statistics';
import { createPoiDatabase, type PoiDatabase } from './poi-database';
import { measureMethod, teach, type PoiMeasurement, type PoiSessions } from './poi-measurement';
import type { BenchProxy } from '../bench-proxy';
import { startPoiProxy } from './poi-proxy';
import { poiQuestions, type PoiQuestion } from './poi-questions';
import { PoiSession } from './poi-session';

const usage = `npm run bench:poi -- [options]

Self-joins over points of interest: an ice cream parlour within 300 m of a discount supermarket and 400 m of a pharmacy, in the same zip
code. How long they take directly, the first time through the proxy, and when it knows what they need, by restriction
method; and when it knows only what each of their tables alone would need.

  --points N    places (default: 2000000, in 7,878 zip codes and 414 districts)
  --methods L   methods to compare (default: auto,prepared,inline,in_subquery,tmp_table_in,tmp_table_join), of which prepared is auto with the
                question as a prepared statement, directly and through the proxy; one it does not take is left out
  --questions N only the first so many (default: all)
  --runs N      rounds of two runs of each way, direct, cached, cached, direct (default: 5)
  --json        print the measurements as JSON, alone on stdout
  --help        print this
`;

const targetFactor = 10;
/** Nothing is learned from any statement. */
const never = 2 ** 31 - 1;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs the benchmark; resolves to the exit code: 1 if an answer was another one. */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      points: { type: 'string', default: '2000000' },
      methods: { type: 'string', default: 'auto,prepared,inline,in_subquery,tmp_table_in,tmp_table_join' },
      questions: { type: 'string', default: String(poiQuestions.length) },
      runs: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const machine = describeMachine();
  say(`${machine.cores} x ${machine.cpu}, Node ${machine.node}`);
  say(`making ${values.points} places`);
  await using database = await createPoiDatabase(Number(values.points));
  const plan = {
    questions: poiQuestions.slice(0, Number(values.questions)),
    methods: values.methods.split(','),
    runs: Number(values.runs),
  };
  const measurements = await measureAll(database, plan);
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, measurements }, undefined, 2)}\n`);
  for (const known of ['all', 'one-table'] as const)
    for (const key of ['zip', 'district'] as const) summarize(measurements, known, key);
  return measurements.every(({ identical }) => identical) ? 0 : 1;
}

interface PoiPlan {
  readonly questions: readonly PoiQuestion[];
  readonly methods: readonly string[];
  readonly runs: number;
}

async function measureAll(database: PoiDatabase, plan: PoiPlan): Promise<readonly PoiMeasurement[]> {
  await using directory = await temporaryDirectory('poi');
  const measurements: PoiMeasurement[] = [];
  const measureQuestion = async (
    question: PoiQuestion,
    known: PoiMeasurement['known'],
    firstMs: number,
    sessions: PoiSessions,
  ): Promise<void> => {
    for (const method of plan.methods) {
      const measurement = await measureMethod(question, method, known, firstMs, sessions, plan.runs);
      if (measurement === undefined) continue;
      measurements.push(measurement);
      say(lineOf(measurement));
    }
  };
  const first = new Map<string, number>();
  say(header);
  await withProxy(
    database,
    () => startPoiProxy(database.connection, directory, 'all', 2),
    async (sessions) => {
      for (const question of plan.questions) {
        await sessions.direct.ask(question.sql); // brings the tables into memory, for both ways
        first.set(question.name, await teach(question.sql, sessions));
        await measureQuestion(question, 'all', first.get(question.name) ?? NaN, sessions);
      }
    },
  );
  await withProxy(
    database,
    () => startPoiProxy(database.connection, directory, 'parts', 0),
    async (sessions) => {
      for (const { parts } of plan.questions) for (const part of parts) await teach(part, sessions);
    },
  );
  // What it knows now stays all it knows.
  await withProxy(
    database,
    () => startPoiProxy(database.connection, directory, 'parts', never),
    async (sessions) => {
      for (const question of plan.questions)
        await measureQuestion(question, 'one-table', first.get(question.name) ?? NaN, sessions);
    },
  );
  return measurements;
}

async function withProxy(
  { connection }: PoiDatabase,
  start: () => Promise<BenchProxy>,
  action: (sessions: PoiSessions) => Promise<void>,
): Promise<void> {
  await using proxy = await start();
  const [direct, proxied] = [await PoiSession.open(connection), await PoiSession.open(proxy.connection)];
  try {
    await action({ direct, proxied, proxy });
  } finally {
    await Promise.all([direct.close(), proxied.close()]);
  }
}

const widths = [52, 10, 24, 10, 10, 10, 9, 14, 7, 7];
const header = line([
  'question',
  'known',
  'method',
  'direct ms',
  'first ms',
  'cached ms',
  'faster',
  'keys',
  'rows',
  'same',
]);

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    .join(' ');
}

function lineOf(measurement: PoiMeasurement): string {
  const { question, known, method, directMs, firstMs, cachedMs, keysKept, allKeys, rows, reason } =
    measurement;
  const times = [directMs, firstMs, cachedMs].map((ms) => ms.toFixed(1));
  const keys = keysKept === undefined ? '-' : `${keysKept} of ${allKeys ?? '?'}`;
  const same = measurement.identical ? 'yes' : 'NO';
  const shown = line([
    question,
    known,
    method,
    ...times,
    `${factorOf(measurement).toFixed(2)} x`,
    keys,
    String(rows),
    same,
  ]);
  return reason === undefined ? shown : `${shown}  ${reason}`;
}

function factorOf({ directMs, cachedMs }: PoiMeasurement): number {
  return directMs / cachedMs;
}

/** The geometric mean of each method, and how many were slower. */
function summarize(
  measurements: readonly PoiMeasurement[],
  known: PoiMeasurement['known'],
  key: PoiQuestion['key'],
): void {
  const own = measurements.filter((each) => each.known === known && each.key === key);
  const isTarget = known === 'all' && key === 'zip';
  say(`\n${key}, ${known} fragments known${isTarget ? `; target ${targetFactor} x, none slower` : ''}`);
  for (const [method, each] of byMethod(own)) {
    const mean = geometricMean(each.map(factorOf));
    const slower = each.filter((measurement) => factorOf(measurement) < 1).length;
    const verdict = isTarget ? (mean >= targetFactor && slower === 0 ? ', met' : ', missed') : '';
    say(
      `  ${method.padEnd(16)} ${mean.toFixed(1)} x in the geometric mean of ${each.length}, ${slower} slower${verdict}`,
    );
  }
}

function byMethod(measurements: readonly PoiMeasurement[]): ReadonlyMap<string, readonly PoiMeasurement[]> {
  const groups = new Map<string, PoiMeasurement[]>();
  for (const measurement of measurements) {
    const [method = ''] = measurement.method.split(':');
    groups.set(method, [...(groups.get(method) ?? []), measurement]);
  }
  return groups;
}
