// `npm run test:long`: what takes hours, one after the other. What came of it is recorded in test/README.md and bench/README.md.
import { spawnSync } from 'node:child_process';
import { projectDirectory } from './support/prepare.mjs';

const runs = [
  {
    what: 'mutated messages',
    command: ['test/fuzz/run.mjs'],
    environment: { FUZZ_MESSAGES: '10000000', FUZZ_SECONDS: '7200' },
  },
  {
    what: 'random conversations',
    command: ['test/run.mjs', 'test/e2e/random-conversations'],
    environment: { PCACHE_TEST_CONVERSATIONS: '4000' },
  },
  {
    what: 'crashes',
    command: ['test/run.mjs', 'test/integration/cache/crash'],
    environment: { PCACHE_TEST_CRASHES: '100' },
  },
  {
    what: 'exact keys, read while others write',
    command: ['test/run.mjs', 'test/e2e/exact.test'],
    environment: { PCACHE_TEST_CHECKED_READS: '200000' },
  },
  {
    what: 'handovers',
    command: ['test/run.mjs', 'test/e2e/handover'],
    environment: { PCACHE_TEST_HANDOVERS: '200' },
  },
  {
    what: 'a storm of reloads',
    command: ['test/run.mjs', 'test/e2e/reload.test'],
    environment: { PCACHE_TEST_STORM_SECONDS: '600' },
  },
  { what: 'the oracle', command: ['test/oracle/run.mjs', '--queries', '200000'], environment: {} },
  { what: 'memory', command: ['bench/run.mjs', 'memory'], environment: {} },
];

const failed = [];
for (const { what, command, environment } of runs) {
  console.log(`== ${what}: node ${command.join(' ')}`);
  const { status } = spawnSync(process.execPath, command, {
    cwd: projectDirectory,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  if (status !== 0) failed.push(what);
}
console.log(
  `${runs.length - failed.length} passed, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`,
);
process.exitCode = failed.length > 0 ? 1 : 0;
