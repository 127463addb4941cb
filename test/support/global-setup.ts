import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createScratchDirectory, scratchVariable, temporaryRoot } from './temporary-directory';

/** Before all tests: the directory everything temporary goes into. */
module.exports = function setUp(): void {
  removeAbandoned();
  process.env[scratchVariable] = createScratchDirectory();
};

/** A run that was killed could not tidy up. Its process is gone, so nobody uses its directory any more. */
function removeAbandoned(): void {
  for (const name of readdirSync(temporaryRoot())) {
    const pid = /^pcache-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) {
      rmSync(join(temporaryRoot(), name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
