import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StartError } from '../../../errors/start-error';

/** Files RocksDB makes. */
const storeFile =
  /^(CURRENT|IDENTITY|LOCK|LOG(\.old\.\d+)?|(MANIFEST|OPTIONS)-\d+(\.dbtmp)?|\d+\.(sst|ldb|log|dbtmp|blob))$/;

/**
 * Rejects with StartError if the directory holds something that is not RocksDB's: a database would be started among it,
 * and all of it renamed should that be damaged one day.
 */
export async function checkCacheDirectory(directory: string): Promise<void> {
  const foreign = (await filesOf(directory)).find((file) => !storeFile.test(file));
  if (foreign === undefined) return;
  throw new StartError(
    `${directory} is no cache directory: it holds ${foreign}; set cache.path to an empty or a new directory`,
  );
}

/**
 * Makes a directory and those it is in, where they are missing. (Not with mkdir's own `recursive`: where a directory says
 * "no such file" to making another in it, as /proc does, Node 20 tries again for ever.)
 */
export async function makeDirectory(directory: string): Promise<void> {
  if (await isDirectory(directory)) return;
  const parent = dirname(directory);
  if (parent !== directory) await makeDirectory(parent);
  try {
    await mkdir(directory);
  } catch (error) {
    // Another process may have been faster.
    if (!(await isDirectory(directory))) throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(ignoreMissing))?.isDirectory() ?? false;
}

/** Which directory a path leads to now; undefined if to none. */
export async function directoryIdentity(directory: string): Promise<bigint | undefined> {
  return (await stat(directory, { bigint: true }).catch(ignoreMissing))?.ino;
}

/**
 * Renames a damaged cache, so that a fresh one can take its place and somebody can still look at it. Resolves to the new
 * path. `identity` is the directory found damaged: if another process has put a fresh one there since, nothing happens.
 */
export async function setAside(
  directory: string,
  identity: bigint | undefined,
  now: Date,
): Promise<string | undefined> {
  if (identity === undefined || (await directoryIdentity(directory)) !== identity) return undefined;
  const stamp = now.toISOString().replace(/\D/g, '').slice(0, 17);
  const target = `${directory}.damaged-${stamp}`;
  await rename(directory, target).catch((cause: unknown) => {
    throw new StartError(
      `the cache in ${directory} is damaged and cannot be renamed; remove it, or set another cache.path`,
      { cause },
    );
  });
  return target;
}

async function filesOf(directory: string): Promise<readonly string[]> {
  return (await readdir(directory).catch(ignoreMissing)) ?? [];
}

/** To catch with: undefined for an error that says that there is no such file, all others go on. */
export function ignoreMissing(error: unknown): undefined {
  const isMissing =
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR');
  if (isMissing) return undefined;
  throw error;
}
