// The optional package better-sqlite3, for tests. Node built-ins only.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const version = '11.10.0';
const parent = join(homedir(), '.cache', 'pcache-test');
/** Where it is, for this version of Node: its own binaries come from a place that may be out of reach, so it is compiled, once. */
export const betterSqlite3Directory = join(parent, `better-sqlite3-${version}-${process.versions.modules}`);

/** Node's own headers, without which they would be downloaded. */
const headers = join(dirname(dirname(process.execPath)), 'include', 'node', 'node.h');

/** Compiles it if it is missing; where that cannot be, says so: the tests that need it are then skipped, and counted as skipped. */
export function installBetterSqlite3() {
  if (existsSync(betterSqlite3Directory)) return;
  if (!existsSync(headers)) {
    console.error(
      `not installed: better-sqlite3, as there are no headers of Node; tests that need it are skipped`,
    );
    return;
  }
  console.error(`compiling better-sqlite3 ${version}`);
  // Beside it and then in its place: a run that is ended in the middle leaves nothing that looks whole.
  const fresh = join(parent, `fresh-${process.pid}`);
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, 'package.json'), '{ "private": true }\n');
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', `better-sqlite3@${version}`], {
    cwd: fresh,
    stdio: ['ignore', process.stderr, process.stderr],
    env: {
      ...process.env,
      npm_config_build_from_source: 'true',
      npm_config_nodedir: dirname(dirname(process.execPath)),
    },
    timeout: 600_000,
  });
  if (status === 0 && !existsSync(betterSqlite3Directory)) renameSync(fresh, betterSqlite3Directory);
  else rmSync(fresh, { recursive: true, force: true });
  if (status !== 0) console.error('that failed; tests that need it are skipped');
}
