import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Set by jest's global set-up to the directory all test processes of a run share; it is removed when the run ends. */
export const scratchVariable = 'PCACHE_TEST_SCRATCH';

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

/** A new, empty directory of the caller's own; removed with everything in it when disposed of. */
export async function temporaryDirectory(
  name = 'directory',
  { openToOthers = false }: { readonly openToOthers?: boolean } = {},
): Promise<TemporaryDirectory> {
  const path = mkdtempSync(join(scratchDirectory(), `${name}-`));
  if (openToOthers) chmodSync(path, 0o711);
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/**
 * The directory that holds all other temporary ones. Outside jest it is made on first use and removed when the process
 * exits. Other users may walk through it, not list it: as root, PostgreSQL runs as somebody else.
 */
export function scratchDirectory(): string {
  const existing = process.env[scratchVariable];
  if (existing !== undefined) return existing;
  const path = createScratchDirectory();
  process.env[scratchVariable] = path;
  process.once('exit', () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}

/** Makes the directory, and removes those of processes that were killed: a name holds its process' id. */
export function createScratchDirectory(): string {
  for (const name of readdirSync(temporaryRoot())) {
    const pid = /^pcache-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    rmSync(join(temporaryRoot(), name), { recursive: true, force: true, maxRetries: 3 });
  }
  const path = mkdtempSync(join(temporaryRoot(), `pcache-${process.pid}-`));
  chmodSync(path, 0o711);
  return path;
}

/** The system's temporary directory; for root the first one that others can walk into. */
export function temporaryRoot(): string {
  if (process.getuid?.() !== 0) return tmpdir();
  const root = [tmpdir(), '/tmp', '/var/tmp'].find(isOpenToOthers);
  if (root === undefined) throw new Error('no temporary directory is open to other users; set TMPDIR');
  return root;
}

function isOpenToOthers(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || (stat.mode & 0o001) === 0) return false;
  return dirname(path) === path || isOpenToOthers(dirname(path));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
