import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { startPostgres } from '../../test/support/postgres-server';
import { describeMachine } from '../machine';
import { median } from '../statistics';
import { learnedStatement, schema, statement, unknownStatement } from './statements';
import { Workbench, withConstant } from './workbench';

const usage = `npm run bench:engine -- [options]

Microseconds to inspect a statement and plan its execution, by what is known of it.

  --entries L   numbers of cached entries (default: 10,10000,100000)
  --tables L    numbers of tables in the statement (default: 1,3,8)
  --only L      situations, as the table names them, with semicolons between (default: all)
  --ms N        time spent on each figure (default: 400)
  --json        print the measurements as JSON, alone on stdout
  --help        print this
`;

/** Everything but the JSON document of --json goes here. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Constants no entry and no other statement has. */
let fresh = 500_000_000;

/** What can be known of a statement, what is to become of it, and its texts. `known` is a constant that is cached. */
const situations = {
  'no tracked table': { outcome: 'not a candidate', text: () => 'select * from elsewhere where id = 1' },
  'miss, form known': { outcome: 'miss', text: (tables: number) => unknownStatement(tables, ++fresh) },
  'miss, looked into': { outcome: 'miss', text: (tables: number) => statement(tables, ++fresh, 7) },
  'hit, same text': {
    outcome: 'rewrite',
    text: (tables: number, known: number) => statement(tables, known, 7),
  },
  'hit, other literals': {
    outcome: 'rewrite',
    text: (tables: number, known: number) => statement(tables, known, ++fresh),
  },
} as const;
type Situation = keyof typeof situations;

interface Measurement {
  readonly entries: number;
  readonly tables: number;
  readonly situation: Situation;
  /** Median, in microseconds. */
  readonly us: number;
}

/** Runs the benchmark; resolves to the exit code. */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      entries: { type: 'string', default: '10,10000,100000' },
      tables: { type: 'string', default: '1,3,8' },
      only: { type: 'string', default: Object.keys(situations).join(';') },
      ms: { type: 'string', default: '400' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const numbers = (list: string): number[] => list.split(',').map(Number);
  const chosen = (Object.keys(situations) as Situation[]).filter((name) =>
    values.only.split(';').includes(name),
  );
  const measurements: Measurement[] = [];
  const machine = describeMachine();
  say(`${machine.cores} x ${machine.cpu}, Node ${machine.node}; median microseconds of inspect and plan\n`);
  say(line(['entries', 'tables', ...chosen]));
  await using postgres = await startPostgres();
  const connection = postgres.connectionOptions(await postgres.createDatabase());
  const client = new Client(connection);
  await client.connect();
  await client.query(schema);
  await client.end();
  for (const entries of numbers(values.entries)) {
    await using workbench = await Workbench.open(connection);
    const known = await fill(workbench, entries);
    for (const tables of numbers(values.tables)) {
      const row: Measurement[] = [];
      for (const situation of chosen) {
        const us = await measure(workbench, situation, tables, known, Number(values.ms));
        row.push({ entries, tables, situation, us });
      }
      say(line([String(entries), String(tables), ...row.map(({ us }) => us.toFixed(1))]));
      measurements.push(...row);
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, measurements }, undefined, 2)}\n`);
  return 0;
}

/** Fills the cache with entries that differ in their constant; resolves to the constant of one. */
async function fill(workbench: Workbench, entries: number): Promise<number> {
  const first = 1_000_000;
  const [fragment] = workbench.fragmentsOf(learnedStatement(first));
  if (fragment === undefined) throw new Error('nothing would be learned');
  for (let i = 0; i < entries; i++) await workbench.put(withConstant(fragment, first, first + i));
  return first + Math.floor(entries / 2);
}

const batch = 50;

async function measure(
  workbench: Workbench,
  situation: Situation,
  tables: number,
  known: number,
  ms: number,
): Promise<number> {
  const { outcome, text } = situations[situation];
  const settled = await workbench.settledOutcome(text(tables, known));
  if (settled !== outcome)
    throw new Error(`${situation}, ${tables} tables: ${settled} instead of ${outcome}`);
  const samples: number[] = [];
  // The first half warms up.
  const [half, end] = [performance.now() + ms / 2, performance.now() + ms];
  while (performance.now() < end || samples.length === 0) {
    const texts = Array.from({ length: batch }, () => text(tables, known));
    const startedAt = performance.now();
    for (const each of texts) void workbench.plan(each);
    if (startedAt > half || performance.now() > end)
      samples.push(((performance.now() - startedAt) / batch) * 1000);
  }
  return median(samples);
}

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(i < 2 ? 8 : 20)).join('');
}
