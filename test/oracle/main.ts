import { parseArgs } from 'node:util';
import { startPostgres, type PostgresBinaries } from '../support/postgres-server';
import { parseMethodChoice } from '../../src/query/rewrite/method';
import { EngineSubject } from './engine-subject';
import { OracleReport } from './oracle-report';
import { ProxySubject } from './proxy-subject';
import { runLanes, type OpenSubject } from './run-lanes';

const usage = `npm run oracle -- [options]

Random statements, direct and restricted, results compared. Ends with 1 if two differ.

  --queries N     statements (default: 20000)
  --subject S     engine (plans run by hand) or proxy (the whole way) (default: engine)
  --postgres V    embedded (18) or debian15 (default: embedded)
  --seed N        repeats a run (default: a random one)
  --schema N      begins with this schema, for one failure to be had again (default: 1)
  --per-schema N  statements over one schema before the next is made (default: 100)
  --method M      auto, inline, in_subquery, tmp_table_in, tmp_table_join, or random for each schema (default: random)
  --lanes N       schemas worked on at the same time (default: 3)
  --minutes N     ends then, finished or not (default: 600)
  --help          print this
`;

const subjects: Readonly<Record<string, OpenSubject>> = {
  engine: EngineSubject.open,
  proxy: ProxySubject.open,
};
const versions: readonly PostgresBinaries[] = ['embedded', 'debian15'];

/** Runs the oracle; resolves to the exit code. */
export async function runOracleCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      queries: { type: 'string', default: '20000' },
      subject: { type: 'string', default: 'engine' },
      postgres: { type: 'string', default: 'embedded' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      schema: { type: 'string', default: '1' },
      'per-schema': { type: 'string', default: '100' },
      method: { type: 'string', default: 'random' },
      lanes: { type: 'string', default: '3' },
      minutes: { type: 'string', default: '600' },
      help: { type: 'boolean', default: false },
    },
  });
  const open = subjects[values.subject];
  const binaries = versions.find((version) => version === values.postgres);
  const method = values.method === 'random' ? values.method : parseMethodChoice(values.method);
  if (values.help || open === undefined || binaries === undefined || method === undefined) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  await using server = await startPostgres({ binaries, settings: { jit: 'off', log_min_messages: 'log' } });
  const report = new OracleReport((failure) => process.stderr.write(`${failure}\n\n`));
  const startedAt = Date.now();
  const seconds = (): number => Math.round((Date.now() - startedAt) / 1000);
  process.stderr.write(`${values.subject}, PostgreSQL of ${binaries}, --seed ${values.seed}\n`);
  const progress = setInterval(() => process.stderr.write(`${seconds()} s: ${report.progress}\n`), 30_000);
  try {
    await runLanes(
      server,
      open,
      {
        ...{
          seed: Number(values.seed),
          firstSchema: Number(values.schema),
          perSchema: Number(values['per-schema']),
          lanes: Number(values.lanes),
          method,
        },
        endsAt: startedAt + Number(values.minutes) * 60_000,
        maxStatements: Number(values.queries),
      },
      report,
    );
  } finally {
    clearInterval(progress);
  }
  process.stdout.write(
    `${values.subject}, PostgreSQL of ${binaries}, --seed ${values.seed}, ${seconds()} s\n` +
      `${report.toString()}\n${report.failures.join('\n\n')}\n`,
  );
  return report.failures.length === 0 ? 0 : 1;
}
