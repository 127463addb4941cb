import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { stringify } from 'yaml';
import { freePort } from '../support/free-port';
import { PcacheProcess } from '../support/pcache-process';
import type { PostgresServer } from '../support/postgres-server';
import { parseMetrics } from '../support/prometheus-text';
import { temporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';
import { scriptDatabase } from '../support/wire-script/script-server';
import { Bystander, readingSchema } from './bystander';
import type { Conversation } from './conversation';
import { sendAll } from './fuzz-listener';
import { sendHostile } from './hostile-client';
import { HostileServer } from './hostile-server';
import { Tally, type Budget } from './tally';

const bystanders = 3;
const workDatabase = 'work';
/**
 * How much more memory the proxy may take in the second half of the run than in the first, in which it warms up. At most against at
 * most: a single sample may have been taken behind a collection.
 */
const maxGrowthBytes = 64 * 1024 * 1024;
const memorySampleMs = 250;

/**
 * Hostile clients and a hostile server around the real program, while other sessions work through it: those get their answers,
 * right and in time; the program lives, logs no error, and its memory does not grow.
 */
export async function fuzzProcess(
  conversations: readonly Conversation[],
  server: PostgresServer,
  budget: Budget,
): Promise<Tally> {
  const tally = new Tally();
  await using hostile = await HostileServer.start(server.port, conversations, tally);
  await using directory = await temporaryDirectory('fuzz');
  await createWork(server);
  const [port, adminPort] = [await freePort(), await freePort()];
  const file = join(directory.path, 'pcache.yaml');
  mkdirSync(join(directory.path, 'cache'));
  writeFileSync(file, stringify(configuration(port, adminPort, hostile.port, server)));
  await using program = new PcacheProcess(['proxy', '--config', file], {
    environment: { PASSWORD: server.password },
    workingDirectory: directory.path,
  });
  const metrics = async (): Promise<ReadonlyMap<string, number>> =>
    parseMetrics(await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text());
  await until('the proxy is ready', () =>
    fetch(`http://127.0.0.1:${adminPort}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );

  const working: Bystander[] = [];
  for (let i = 0; i < bystanders; i++)
    working.push(await Bystander.open(server.connectionOptions(workDatabase), port));
  const work = working.map((bystander) =>
    bystander.work().catch((error: unknown) => tally.fault(`bystander: ${String(error)}`)),
  );
  const memory = await watchMemory(metrics, () =>
    sendAll(budget, tally, (index) =>
      sendHostile(index, {
        ...{ port, user: server.user, database: scriptDatabase },
        ...{ seed: budget.seed, conversations, tally },
      }),
    ),
  );
  for (const bystander of working) bystander.stop();
  await Promise.all(work);

  hostile.cutOff();
  await until('all sessions have ended', async () => (await metrics()).get('pcache_connections') === 0).catch(
    (error: unknown) => tally.fault(String(error)),
  );
  for (const [name, value] of await metrics().catch(() => new Map<string, number>())) {
    // A hostile server's answer to the hidden question need not be readable; that it is none is noted, and the statement goes as it came.
    const isExpected = name.includes('operation="readContext"');
    if (name.startsWith('pcache_engine_failures_total') && value > 0 && !isExpected)
      tally.fault(`${name} ${value}`);
    if (
      /^pcache_(connections_closed|statements|context_questions|protocol_errors)_total/.test(name) &&
      value > 0
    )
      tally.outcomes.set(name.slice('pcache_'.length), value);
  }
  const half = Math.floor(memory.length / 2);
  const [before, after] = [Math.max(...memory.slice(0, half)), Math.max(...memory.slice(half))];
  const growth = after - before;
  if (growth > maxGrowthBytes) tally.fault(`the proxy's memory has grown by ${growth} bytes`);
  if (program.stderr !== '') tally.fault(`the proxy has logged: ${program.stderr.slice(0, 2_000)}`);
  tally.outcomes.set(
    'answers to bystanders',
    working.reduce((sum, { answers }) => sum + answers, 0),
  );
  tally.outcomes.set('resident MB at most in the first half', Math.round(before / 1e6));
  tally.outcomes.set('resident MB at most in the second', Math.round(after / 1e6));
  return tally;
}

async function createWork(server: PostgresServer): Promise<void> {
  await server.createDatabase(workDatabase);
  const client = new Client(server.connectionOptions(workDatabase));
  await client.connect();
  await client.query(readingSchema);
  await client.end();
}

function configuration(
  port: number,
  adminPort: number,
  upstreamPort: number,
  { user }: PostgresServer,
): object {
  const control = { user, password_env: 'PASSWORD' };
  const key = { datatype: 'integer', consistency: 'static', max_key_share: 1 };
  return {
    listen: { port },
    admin: { port: adminPort },
    upstream: { port: upstreamPort },
    cache: { path: './cache' },
    population: { min_query_ms: 0, duty: 1 },
    limits: { held_reply_bytes: 2_000, inspect_bytes: 20_000 },
    log: { level: 'error' },
    databases: {
      [workDatabase]: {
        control,
        partition_keys: { region: { ...key, tables: { 'public.reading': 'region_id' } } },
      },
      [scriptDatabase]: {
        control,
        partition_keys: { city: { ...key, tables: { 'public.place': 'city_id' } } },
      },
    },
  };
}

/** The resident memory of the program, sampled while the action runs. */
async function watchMemory(
  metrics: () => Promise<ReadonlyMap<string, number>>,
  action: () => Promise<void>,
): Promise<number[]> {
  const samples: number[] = [];
  const sample = async (): Promise<void> => {
    const bytes = (await metrics()).get('pcache_process_resident_memory_bytes');
    if (bytes !== undefined) samples.push(bytes);
  };
  const timer = setInterval(() => void sample().catch(() => undefined), memorySampleMs);
  // However short the action is, there is one sample for each of its halves.
  await sample();
  await action();
  clearInterval(timer);
  await sample();
  return samples;
}
