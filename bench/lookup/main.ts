import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from '../machine';
import { kinds, type Kind } from './fillers';
import type { Job, Measured } from './measure';

const usage = `npm run bench:lookup -- [options]

How long it takes to find what is known of a query, and what it takes to know it, by the number of entries. No server is
needed. Every size is measured in a process of its own. The entries that match come on top of the number.

  --sizes L   numbers of entries, with commas between (default: 1000,10000,100000,1000000)
  --tables L  tables of the queries (default: 2,4,8)
  --rounds N  how often each of 100 queries is looked up (default: 20)
  --json      print the measurements as JSON, alone on stdout
  --help      print this
`;

/** Targets: microseconds for any size, times the smallest size, bytes of an entry besides its hash. */
const maxUs = 1_000;
const maxRatio = 2;
const maxBytes = 200;

/** Runs the benchmark; resolves to the exit code. */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: 'string', default: '1000,10000,100000,1000000' },
      tables: { type: 'string', default: '2,4,8' },
      rounds: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const sizes = values.sizes.split(',').map(Number);
  const tables = values.tables.split(',').map(Number);
  const results: { readonly kind: Kind; readonly size: number; readonly measured: Measured }[] = [];
  for (const kind of kinds) {
    for (const size of sizes) {
      process.stderr.write(`${kind}, ${size} entries\n`);
      const measured = await measureApart({ size, kind, tables, rounds: Number(values.rounds) });
      results.push({ kind, size, measured });
    }
  }
  if (values.json)
    process.stdout.write(`${JSON.stringify({ machine: describeMachine(), results }, undefined, 2)}\n`);
  else report(results);
  const isMet = results.every(({ kind, measured: { lookups, bytesPerEntry } }) => {
    const smallest = results.find((other) => other.kind === kind)?.measured.lookups ?? [];
    return (
      bytesPerEntry <= maxBytes &&
      lookups.every(
        ({ medianUs }, i) => medianUs < maxUs && medianUs <= maxRatio * (smallest[i]?.medianUs ?? 0),
      )
    );
  });
  return isMet ? 0 : 1;
}

function report(
  results: readonly { readonly kind: Kind; readonly size: number; readonly measured: Measured }[],
): void {
  const heads = [
    'kind',
    'entries',
    'tables',
    'matches',
    'median us',
    'p99 us',
    'miss us',
    'bytes/entry',
    'put us',
  ];
  const rows = results.flatMap(({ kind, size, measured: { lookups, bytesPerEntry, putUs } }) =>
    lookups.map(({ tables, matches, medianUs, p99Us, missMedianUs }) => [
      ...[kind, size, tables, matches].map(String),
      ...[medianUs, p99Us, missMedianUs, bytesPerEntry, putUs].map((value) => value.toFixed(1)),
    ]),
  );
  for (const row of [heads, heads.map(() => '---'), ...rows])
    process.stdout.write(`| ${row.join(' | ')} |\n`);
  process.stdout.write(
    `targets: a median below ${maxUs} us and at most ${maxRatio} x that of the fewest entries; ${maxBytes} bytes besides the hash\n`,
  );
}

async function measureApart(job: Job): Promise<Measured> {
  const child = fork(join(__dirname, 'child.mjs'), [JSON.stringify(job)], { execArgv: ['--expose-gc'] });
  const exit = once(child, 'exit');
  const answer = once(child, 'message').then(([message]: unknown[]) => message as Measured);
  const measured = await Promise.race([
    answer,
    exit.then(([code]: unknown[]) => Promise.reject(new Error(`the measurement ended with ${String(code)}`))),
  ]);
  await exit;
  return measured;
}
