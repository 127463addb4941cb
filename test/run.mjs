// `npm test`: installs what is missing, builds, runs jest with the arguments given, and ends with one line of counts.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { installBetterSqlite3 } from './support/better-sqlite3.mjs';
import { installDebianPackages } from './support/debian-packages.mjs';
import { build, installDependencies, projectDirectory } from './support/prepare.mjs';

/**
 * So many files that failed are run once more, by themselves: the machine that builds may be busy with something else, and what
 * fails of a real fault fails again. Each is named either way. More of them are no accident.
 */
const maxFilesRunAgain = 3;

/** How long jest may take to exit after the last test. Longer means that a test left something open. */
const exitDeadlineMs = 15_000;

installDependencies();
installDebianPackages();
installBetterSqlite3();
build();

const directory = mkdtempSync(join(tmpdir(), 'pcache-counts-'));
const countsFile = join(directory, 'counts.json');
let counts;
try {
  process.exitCode = await runJest(process.argv.slice(2));
  counts = readCounts();
  const isWorthIt = counts !== undefined && counts.files.length <= maxFilesRunAgain;
  if (process.exitCode === 1 && isWorthIt && counts.files.length > 0)
    process.exitCode = await runAgain(counts);
} finally {
  rmSync(directory, { recursive: true, force: true });
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 1, skipped: 0 };
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
}

function readCounts() {
  return existsSync(countsFile) ? JSON.parse(readFileSync(countsFile, 'utf8')) : undefined;
}

/** Runs the files that failed once more, and puts what comes of it in the place of what was counted. Resolves to the exit code. */
async function runAgain(first) {
  const paths = first.files.map(({ path }) => relative(projectDirectory, path));
  console.log(`failed, and run once more: ${paths.join(', ')}`);
  rmSync(countsFile, { force: true });
  const code = await runJest(['--runInBand', '--runTestsByPath', ...paths]);
  const second = readCounts();
  if (second === undefined) return 1;
  for (const name of ['passed', 'failed', 'skipped'])
    first[name] += second[name] - first.files.reduce((sum, file) => sum + file[name], 0);
  const stillFailing = new Set(second.files.map(({ path }) => relative(projectDirectory, path)));
  for (const path of paths.filter((each) => !stillFailing.has(each))) console.log(`UNSTEADY: ${path}`);
  return code;
}

/** Resolves to the exit code: 1 if tests failed, 2 if the run itself did not end well. */
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
      resolve(isStuck ? 2 : (code ?? 2));
    });
  });
}
