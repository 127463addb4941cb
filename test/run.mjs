// `npm test`: installs what is missing, builds, runs jest with the arguments given, and ends with one line of counts.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { installDebianPackages } from './support/debian-packages.mjs';
import { build, installDependencies, projectDirectory } from './support/prepare.mjs';

/** How long jest may take to exit after the last test. Longer means that a test left something open. */
const exitDeadlineMs = 15_000;

installDependencies();
installDebianPackages();
build();

const directory = mkdtempSync(join(tmpdir(), 'pcache-counts-'));
const countsFile = join(directory, 'counts.json');
try {
  process.exitCode = await runJest(process.argv.slice(2));
} finally {
  const counts = existsSync(countsFile) ? JSON.parse(readFileSync(countsFile, 'utf8')) : undefined;
  rmSync(directory, { recursive: true, force: true });
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 1, skipped: 0 };
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
}

/** Resolves to the exit code. */
function runJest(args) {
  const jest = join(projectDirectory, 'node_modules', 'jest', 'bin', 'jest.js');
  const reporters = ['--reporters=default', '--reporters=<rootDir>/test/support/count-reporter.cjs'];
  const workers = args.some((arg) => /^(-w|-i|--maxWorkers|--runInBand)/.test(arg))
    ? []
    : [`--maxWorkers=${availableParallelism()}`];
  const child = spawn(process.execPath, [jest, ...reporters, ...workers, ...args], {
    cwd: projectDirectory,
    stdio: 'inherit',
    env: { ...process.env, PCACHE_TEST_COUNTS: countsFile },
  });

  // Ctrl-C reaches jest by itself; this process stays to tidy up. Other signals are passed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));

  let isStuck = false;
  const watch = setInterval(() => {
    if (!existsSync(countsFile)) return;
    clearInterval(watch);
    const deadline = setTimeout(() => {
      isStuck = true;
      console.error('jest did not exit: a test left a connection, timer or server open');
      child.kill('SIGKILL');
    }, exitDeadlineMs);
    child.once('exit', () => clearTimeout(deadline));
  }, 250);

  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      clearInterval(watch);
      resolve(isStuck ? 1 : (code ?? 1));
    });
  });
}
