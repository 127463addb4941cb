import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

// Its arguments are the overseer's: taken for the proxy they name, it would go on as another one that nobody has started.
test('a worker whose overseer has ended before it began ends as well', async () => {
  const child = fork(join(__dirname, '../../../../src/main.ts'), ['proxy', '--config', '/nowhere.yaml'], {
    execArgv: ['--import', require.resolve('tsx')],
    env: { PATH: process.env['PATH'], PCACHE_WORKER_OF: '1' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const ended = once(child, 'exit');
  child.disconnect();
  expect(await ended).toEqual([0, null]);
});
