import { Client } from 'pg';
import { findPostgresProgram, startPostgres, type PostgresServer } from '../../test/support/postgres-server';
import { temporaryDirectory } from '../../test/support/temporary-directory';
import { describeMachine } from '../machine';
import { measureBulk } from './bulk';
import { Contenders, database, postmasterPid } from './contenders';
import { measure, summariseRatios, type Measurement } from './measure';
import { readOptions, usage, type OverheadOptions } from './overhead-options';
import { Pgbench } from './pgbench';
import { bulkRows, header, rows, targetBulkShare, targetRatio, targetShare, verdict } from './report';

/** Everything but the JSON document of --json goes here. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs the benchmark; resolves to the exit code. */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  let options: OverheadOptions | undefined;
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
  const program = findPostgresProgram('pgbench');
  if (program === undefined) {
    say('there is no pgbench: install PostgreSQL (Debian: postgresql-15) and try again');
    return 1;
  }
  await compare(program, options);
  return 0;
}

async function compare(program: string, options: OverheadOptions): Promise<void> {
  say('starting PostgreSQL, filling the tables of pgbench');
  // PgBouncer logs in without a password, and so does the client that moves large results.
  await using postgres = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
  await postgres.createDatabase(database);
  await using directory = await temporaryDirectory('overhead');
  const pgbench = new Pgbench(program, postgres.environment(database), directory.path);
  await pgbench.initialise(options.scale);
  await using contenders = new Contenders(postgres, directory.path, options.main);
  await contenders.start();
  const serverPid = await postmasterPid(postgres);

  const machine = { ...describeMachine(), postgresql: await serverVersion(postgres) };
  say(
    `\n${machine.cores} x ${machine.cpu}, Node ${machine.node}, PostgreSQL ${machine.postgresql}; pgbench -S, scale ` +
      `${options.scale}, medians of ${options.rounds} runs of ${options.seconds} s\n\n${header()}`,
  );
  // What is measured is a proxy that has been running, with its code compiled and the server's cache filled.
  for (const { port } of contenders.all) {
    for (const protocol of options.protocols) await pgbench.warmUp(port, protocol);
  }
  const measurements: Measurement[] = [];
  for (const protocol of options.protocols) {
    for (const clients of options.clients) {
      const { seconds, rounds } = options;
      const measured = await measure(pgbench, contenders.all, serverPid, {
        protocol,
        clients,
        seconds,
        rounds,
      });
      say(rows(measured));
      measurements.push(...measured);
    }
  }
  say(`\n${verdict(measurements)}`);
  const bulk = await measureBulk(
    postgres,
    contenders.all.filter(({ name }) => name !== 'cached' && name !== 'watched'),
    options.bulkRounds,
  );
  say(`\n${bulkRows(bulk)}`);
  if (!options.json) return;
  const { seconds, rounds, scale } = options;
  const document = {
    machine,
    seconds,
    rounds,
    scale,
    measurements,
    targetRatio,
    targetShare,
    bulk,
    targetBulkShare,
    ratios: Object.fromEntries(summariseRatios(measurements)),
  };
  process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

async function serverVersion(postgres: PostgresServer): Promise<string> {
  const client = new Client(postgres.connectionOptions(database));
  await client.connect();
  try {
    const { rows: versions } = await client.query<{ server_version: string }>('show server_version');
    return versions[0]?.server_version ?? 'unknown';
  } finally {
    await client.end();
  }
}
