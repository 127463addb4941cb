import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { startPostgres } from '../../test/support/postgres-server';
import { turnBudget } from '../../src/engine/turn-budget';
import { describeMachine } from '../machine';
import { median, quantile } from '../statistics';
import { situations, type Situation, type SituationName } from './situations';
import { schema, shapes, type Shape, type StatementKind } from './statements';
import { Workbench } from './workbench';

const usage = `npm run bench:rewrite -- [options]

Microseconds to inspect a statement and plan its execution (parse, analysis, lookup, splice, check), until it is sent; the
process' CPU time for each, with what is done after it was sent, by garbage collection and by the benchmark itself; bytes allocated.

  --shapes L      chain,star,clique: which tables the conditions between two are on (default: all)
  --tables L      numbers of tables in the statement (default: 1,2,3,4,6,8)
  --conditions L  conditions on each table (default: 1,2)
  --entries L     numbers of cached entries (default: 10000)
  --only L        situations, as the table names them, with semicolons between (default: all)
  --ms N          time spent on each figure (default: 300)
  --json          print the measurements as JSON, alone on stdout
  --help          print this
`;

/** Everything but the JSON document of --json goes here. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

interface Measurement extends StatementKind {
  readonly entries: number;
  readonly situation: SituationName;
  readonly medianUs: number;
  readonly p99Us: number;
  /** Of the whole process. */
  readonly cpuUs: number;
  /** On JavaScript's heap, for one statement; the median. */
  readonly bytes: number;
}

/** Runs the benchmark; resolves to the exit code. */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      shapes: { type: 'string', default: Object.keys(shapes).join() },
      tables: { type: 'string', default: '1,2,3,4,6,8' },
      conditions: { type: 'string', default: '1,2' },
      entries: { type: 'string', default: '10000' },
      only: { type: 'string', default: Object.keys(situations).join(';') },
      ms: { type: 'string', default: '300' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const numbers = (list: string): number[] => list.split(',').map(Number);
  const chosen = (Object.keys(situations) as SituationName[]).filter((name) =>
    values.only.split(';').includes(name),
  );
  const kinds = (Object.keys(shapes) as Shape[])
    .filter((shape) => values.shapes.split(',').includes(shape))
    .flatMap((shape) =>
      numbers(values.tables).flatMap((tables) =>
        numbers(values.conditions).map((conditions) => ({ shape, tables, conditions })),
      ),
    );
  const measurements: Measurement[] = [];
  const machine = describeMachine();
  say(
    `${machine.cores} x ${machine.cpu}, Node ${machine.node}; microseconds: median / p99, CPU; and KB allocated\n`,
  );
  say(line(['entries', 'shape', 'tables', 'conditions', ...chosen]));
  await using postgres = await startPostgres();
  const connection = postgres.connectionOptions(await postgres.createDatabase());
  const client = new Client(connection);
  await client.connect();
  await client.query(schema);
  await client.end();
  for (const entries of numbers(values.entries)) {
    await using workbench = await Workbench.open(connection);
    const known = await fill(workbench, entries);
    for (const kind of kinds) {
      const row: Measurement[] = [];
      for (const situation of chosen)
        row.push({
          ...{ entries, ...kind, situation },
          ...(await measure(workbench, situations[situation], kind, known, Number(values.ms))),
        });
      const cells = row.map(
        ({ medianUs, p99Us, cpuUs, bytes }) =>
          `${figure(medianUs)} / ${figure(p99Us)}, ${figure(cpuUs)}; ${figure(bytes / 1000)}`,
      );
      say(line([String(entries), kind.shape, String(kind.tables), String(kind.conditions), ...cells]));
      measurements.push(...row);
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, measurements }, undefined, 2)}\n`);
  return 0;
}

/** Fills the cache with entries that differ in their constant; resolves to the constant of one. */
async function fill(workbench: Workbench, entries: number): Promise<number> {
  const first = 1_000_000;
  await workbench.fill(first, entries);
  return first + Math.floor(entries / 2);
}

const batch = 20;

async function measure(
  workbench: Workbench,
  { outcome, text }: Situation,
  kind: StatementKind,
  known: number,
  ms: number,
): Promise<Pick<Measurement, 'medianUs' | 'p99Us' | 'cpuUs' | 'bytes'>> {
  const settled = await workbench.settledOutcome(text(kind, known));
  if (settled !== outcome) throw new Error(`${JSON.stringify(kind)}: ${settled} instead of ${outcome}`);
  const samples: number[] = [];
  const allocated: number[] = [];
  // The first half warms up.
  const [half, end] = [performance.now() + ms / 2, performance.now() + ms];
  let cpuUs = 0;
  let planned = 0;
  while (performance.now() < end || samples.length === 0) {
    const texts = Array.from({ length: batch }, () => text(kind, known));
    const isWarm = performance.now() > half;
    const before = process.cpuUsage();
    for (const each of texts) {
      const startedAt = performance.now();
      void workbench.plan(each);
      if (isWarm) samples.push((performance.now() - startedAt) * 1000);
      await turnBudget.turn();
    }
    await workbench.settled();
    const { user, system } = process.cpuUsage(before);
    if (isWarm) [cpuUs, planned] = [cpuUs + user + system, planned + batch];
    allocated.push(bytesOf(() => void workbench.plan(text(kind, known))));
    await workbench.settled();
  }
  samples.sort((a, b) => a - b);
  return {
    medianUs: median(samples),
    p99Us: quantile(samples, 0.99),
    cpuUs: cpuUs / planned,
    bytes: median(allocated.filter((bytes) => bytes > 0)),
  };
}

/** Negative if there was a collection meanwhile. */
function bytesOf(action: () => void): number {
  const before = process.memoryUsage().heapUsed;
  action();
  return process.memoryUsage().heapUsed - before;
}

function figure(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(i < 4 ? 11 : 27)).join('');
}
