import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import type { DatabaseEngine } from '../../src/engine/database-engine';
import { startPostgres } from '../../test/support/postgres-server';
import { startProxy } from '../../test/support/recorded-proxy';
import { describeMachine } from '../machine';
import { schema, statement } from '../rewrite/statements';
import { Workbench } from '../rewrite/workbench';
import { quantile } from '../statistics';
import { hostileTexts } from './hostile-texts';

const usage = `npm run bench:stalls -- [options]

What one client can do to the others: the delay of the event loop, and how long another session waits for \`select 1\`, while a client
sends statements that take long to look into, or thousands of them at once. The proxy, its server and the clients are on this machine.

  --ms N     time for each kind of statement (default: 1500)
  --only L   kinds, as the table names them, with semicolons between (default: all)
  --json     print the measurements as JSON, alone on stdout
  --help     print this
`;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

interface Measurement {
  readonly kind: string;
  /** Hostile texts that were sent. */
  readonly texts: number;
  /** Milliseconds the event loop was late. */
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** Milliseconds another session's \`select 1\` took. */
  readonly otherP99: number;
  readonly otherMax: number;
  /** Milliseconds of work that the longest call of the engine took, which a loaded machine makes longer, but much less than the others. */
  readonly work: number;
}

const packetStatements = 2_000;
const kinds: Readonly<Record<string, (salt: number) => string>> = {
  'nothing hostile': () => '',
  ...hostileTexts,
  [`${packetStatements} short forms in one packet`]: (salt) =>
    Array.from({ length: packetStatements }, (_, i) =>
      statement({ shape: 'chain', tables: 3, conditions: 1 }, salt + i, salt, `f${salt + i}`),
    ).join(';\0'),
};

/** Runs the benchmark; resolves to the exit code. */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ms: { type: 'string', default: '1500' },
      only: { type: 'string', default: Object.keys(kinds).join(';') },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const machine = describeMachine();
  say(`${machine.cores} x ${machine.cpu}, Node ${machine.node}; milliseconds\n`);
  say(line(['sent by one client', 'texts', 'p99', 'p99.9', 'max', 'other p99', 'other max', 'work max']));
  await using postgres = await startPostgres({ settings: { max_stack_depth: '2MB' } });
  const connection = postgres.connectionOptions(await postgres.createDatabase());
  const client = new Client(connection);
  await client.connect();
  await client.query(schema);
  await client.end();
  await using workbench = await Workbench.open(connection, { minQueryMs: 0 });
  const first = 1_000_000;
  await workbench.engine.warmUp();
  await workbench.fill(first, 100);
  const work = watchWork(workbench.engine);
  await using proxy = await startProxy(connection.port, { [connection.database]: workbench.engine });

  const measurements: Measurement[] = [];
  for (const [kind, text] of Object.entries(kinds).filter(([name]) =>
    values.only.split(';').includes(name),
  )) {
    work.longest = 0;
    const measurement = {
      kind,
      ...(await measure({ ...connection, port: proxy.port }, text, Number(values.ms))),
      work: work.longest,
    };
    const { texts, p99, p999, max, otherP99, otherMax, work: longest } = measurement;
    say(
      line([
        kind,
        String(texts),
        ...[p99, p999, max, otherP99, otherMax, longest].map((ms) => ms.toFixed(1)),
      ]),
    );
    measurements.push(measurement);
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, measurements }, undefined, 2)}\n`);
  return 0;
}

/** Notes how long the calls a session makes of an engine keep the event loop from anything else. */
function watchWork(engine: DatabaseEngine): { longest: number } {
  const work = { longest: 0 };
  const timed = <Arguments extends readonly unknown[], T>(
    call: (...args: Arguments) => T,
  ): ((...args: Arguments) => T) => {
    return (...args) => {
      const [startedAt, usage] = [performance.now(), process.cpuUsage()];
      try {
        return call(...args);
      } finally {
        const { user, system } = process.cpuUsage(usage);
        const ms = Math.min(performance.now() - startedAt, (user + system) / 1000);
        work.longest = Math.max(work.longest, ms);
      }
    };
  };
  engine.inspect = timed(engine.inspect.bind(engine));
  engine.plan = timed(engine.plan.bind(engine));
  engine.completed = timed(engine.completed.bind(engine));
  return work;
}

let salt = 10_000_000;

async function measure(
  connection: ConstructorParameters<typeof Client>[0],
  text: (salt: number) => string,
  ms: number,
): Promise<Omit<Measurement, 'kind' | 'work'>> {
  const [hostile, other] = [new Client(connection), new Client(connection)];
  // The server may well end the session of such a client.
  hostile.on('error', () => undefined);
  await Promise.all([hostile.connect(), other.connect()]);
  await hostile.query('set statement_timeout = 200');
  // Made before, so that making them is not what is measured.
  const texts = Array.from({ length: 4 }, () => text((salt += 1_000_000)).split('\0'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const waits: number[] = [];
  let sent = 0;
  delay.enable();
  const end = performance.now() + ms;
  const attack = (async (): Promise<void> => {
    for (const statements of texts) {
      sent += statements.length;
      await Promise.allSettled(statements.map((each) => hostile.query(each)));
      if (performance.now() > end) return;
    }
  })();
  while (performance.now() < end) {
    const startedAt = performance.now();
    await other.query('select 1');
    waits.push(performance.now() - startedAt);
  }
  delay.disable();
  await attack;
  await Promise.all([hostile.end(), other.end()]);
  waits.sort((a, b) => a - b);
  // The histogram's own resolution is part of what it counts.
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - 1);
  return {
    texts: sent,
    ...{ p99: late(delay.percentile(99)), p999: late(delay.percentile(99.9)), max: late(delay.max) },
    ...{ otherP99: quantile(waits, 0.99), otherMax: waits.at(-1) ?? Number.NaN },
  };
}

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(42) : cell.padStart(11))).join('');
}
