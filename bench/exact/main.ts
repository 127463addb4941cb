import { parseArgs } from 'node:util';
import { describeMachine } from '../machine';
import { measureLogSize } from './log-size';
import { measureReads } from './reads';
import { say } from '../say';
import { measureWrites } from './writes';

const usage = `npm run bench:exact -- [options]

What noting changes costs those who write: two tables of the same make, one of them tracked, on a server that flushes to disk; rounds
alternate between them, medians are compared. What it costs those who read: the same statements with consistency static and exact, in turns,
with an empty change log and with 100 changed keys nobody has seen. And how large the log gets in an hour of 500 writes a second.

  --only L        writes, reads, log (default: all three)
  --runs N        of each question, for reads (default: 200)
  --speed-up N    times the rate, for as much less time, for the log (default: 10)

  --rows N        rows of a bulk INSERT (default: 1000000)
  --partitions N  partitions they go to (default: 1000)
  --rounds N      bulk rounds for each table (default: 5)
  --single N      single-row INSERTs in a round, of which there are 20 for each table (default: 200)
  --json          print the measurements as JSON, alone on stdout
  --help          print this
`;

/** Runs the benchmark; resolves to the exit code. */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '1000000' },
      partitions: { type: 'string', default: '1000' },
      only: { type: 'string', default: 'writes,reads,log' },
      runs: { type: 'string', default: '200' },
      'speed-up': { type: 'string', default: '10' },
      rounds: { type: 'string', default: '5' },
      single: { type: 'string', default: '200' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const machine = describeMachine();
  const isAsked = (part: string): boolean => values.only.split(',').includes(part);
  say(`${machine.cores} x ${machine.cpu}, Node ${machine.node}; milliseconds, medians`);
  const measurements = {
    ...(isAsked('writes')
      ? {
          writes: await measureWrites({
            rows: Number(values.rows),
            partitions: Number(values.partitions),
            rounds: Number(values.rounds),
            single: Number(values.single),
          }),
        }
      : {}),
    ...(isAsked('reads') ? { reads: await measureReads(Number(values.runs)) } : {}),
    ...(isAsked('log') ? { log: await measureLogSize(Number(values['speed-up'])) } : {}),
  };
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, ...measurements }, undefined, 2)}\n`);
  return 0;
}
