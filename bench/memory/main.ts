import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { findPostgresProgram, startPostgres, type PostgresServer } from '../../test/support/postgres-server';
import { temporaryDirectory } from '../../test/support/temporary-directory';
import { until } from '../../test/support/until';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { Contenders, database } from '../overhead/contenders';
import { Pgbench } from '../overhead/pgbench';

const sessions = 1_000;
const gigabyteQuery = `select repeat('x', 1000000) from generate_series(1, 1000)`;
const statements = [
  'select 1',
  'select count(*) from reading where sensor_id = 1',
  'begin',
  'select 2',
  'commit',
];

/** What idle sessions cost, and what a client costs that asks for a gigabyte and does not read it. Resolves to the exit code. */
export async function runBenchmark(): Promise<number> {
  await using postgres = await startPostgres({
    hba: ['host all all 127.0.0.1/32 trust'],
    settings: { max_connections: String(sessions + 100), shared_buffers: '16MB' },
  });
  await postgres.createDatabase(database);
  await using directory = await temporaryDirectory('memory');
  const pgbench = findPostgresProgram('pgbench');
  if (pgbench === undefined)
    throw new Error('there is no pgbench: install PostgreSQL (Debian: postgresql-15)');
  await new Pgbench(pgbench, postgres.environment(database), directory.path).initialise(1);
  const main = join(__dirname, '..', '..', 'dist', 'main.js');
  await using contenders = new Contenders(postgres, directory.path, main);
  await contenders.start();
  const proxy = contenders.all.find(({ name }) => name === 'untracked');
  if (proxy?.pid === undefined) throw new Error('there is no proxy');
  const { port, pid } = proxy;
  // First, while there is no memory that others have left.
  const reader = await openSession(postgres, port);
  const before = residentKilobytes(pid);
  let highest = before;
  reader.pause();
  reader.write(encodeQuery({ query: gigabyteQuery }));
  const end = performance.now() + 10_000;
  await until('ten seconds of not reading', () => {
    highest = Math.max(highest, residentKilobytes(pid));
    return performance.now() > end;
  });
  reader.destroy();
  const open: Socket[] = [];
  const add = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) open.push(await openSession(postgres, port));
  };
  // What is measured is the slope: the first sessions also pay for code being compiled.
  await add(sessions / 10);
  const few = residentKilobytes(pid);
  await add(sessions);
  const many = residentKilobytes(pid);
  const perSession = (many - few) / sessions;
  for (const socket of open) socket.destroy();

  const grown = (highest - before) / 1024;
  process.stdout.write(
    `${String(sessions)} idle sessions after ${String(statements.length)} statements each: ${perSession.toFixed(1)} kB a session ` +
      `(target: under 60)\n1 GB to a reader that does not read: ${grown.toFixed(1)} MB more (target: under 64)\n`,
  );
  return perSession < 60 && grown < 64 ? 0 : 1;
}

async function openSession(postgres: PostgresServer, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  const parameters = new Map([
    ['user', postgres.user],
    ['database', database],
  ]);
  await answer(socket, encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters }));
  for (const query of statements) await answer(socket, encodeQuery({ query }));
  return socket;
}

function answer(socket: Socket, message: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const take = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      if (received.at(-6) !== 0x5a || received.readUInt32BE(received.length - 5) !== 5) return;
      socket.off('data', take).off('error', reject);
      resolve();
    };
    socket.on('data', take).once('error', reject);
    socket.write(message);
  });
}

function residentKilobytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'latin1'))?.[1]);
}
