import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GuardedProcess } from '../../support/guarded-process';
import { until } from '../../support/until';

const environment = { PATH: process.env['PATH'] };

test('passes signals on and tells how the program ended', async () => {
  const sleeper = new GuardedProcess(
    '/bin/sh',
    ['-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done'],
    {
      env: environment,
      lastSignal: 'KILL',
    },
  );
  await sleeper.untilWritten('ready');
  expect(await sleeper.stop('TERM')).toBe(7);
  expect(sleeper.isRunning).toBe(false);
});

test('a program that ends too early is told by what it wrote', async () => {
  const failing = new GuardedProcess('/bin/sh', ['-c', 'echo no such thing >&2; exit 3'], {
    env: environment,
    lastSignal: 'KILL',
  });
  await expect(failing.untilWritten('ready')).rejects.toThrow('it ended (3) and had written:\nno such thing');
});

test('a killed process leaves neither its server nor the data behind', async () => {
  const script = `
    const { startPostgres } = require(${JSON.stringify(join(__dirname, '../../support/postgres-server.ts'))});
    void startPostgres().then((server) => console.log(server.dataDirectory, server.port));`;
  const child = spawn(process.execPath, ['--require', require.resolve('tsx/cjs'), '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [data = ''] = await until('the server to start', () => /^(\S+) (\d+)\n/.exec(output)?.slice(1));
  expect(existsSync(join(data, 'postmaster.pid'))).toBe(true);
  child.kill('SIGKILL');
  await until(
    'the data to be removed',
    () => !existsSync(join(data, 'postmaster.pid')) && !existsSync(join(data, 'base')),
  );
});
