import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { postgresOwner } from './postgres-binaries';
import { scratchDirectory, type TemporaryDirectory } from './temporary-directory';

/**
 * A file system of its own with so many bytes, in memory; what is written beyond them fails as on a full disk. undefined where that cannot
 * be made: it takes the right to mount. It belongs to PostgreSQL's user.
 */
export async function smallDisk(bytes: number): Promise<TemporaryDirectory | undefined> {
  const path = mkdtempSync(join(scratchDirectory(), 'disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=711`, 'tmpfs', path]);
  if (mounted.status !== 0) {
    await rm(path, { recursive: true });
    return undefined;
  }
  const owner = postgresOwner();
  if ('uid' in owner) chownSync(path, owner.uid, owner.gid);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      // Lazily: who still has a file open there keeps it.
      spawnSync('umount', ['--lazy', path]);
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Tests that need one say so in their titles where there is none. */
export const hasSmallDisks = ((): boolean => {
  const path = mkdtempSync(join(scratchDirectory(), 'disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path]).status !== 0) return false;
  return spawnSync('umount', [path]).status === 0;
})();
