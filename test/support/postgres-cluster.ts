import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  moveUnlessThere,
  postgresBinaryDirectory,
  postgresOwner,
  type PostgresBinaries,
} from './postgres-binaries';
import { scratchDirectory } from './temporary-directory';

export const superuser = 'postgres';

/**
 * Makes a data directory at `dataDirectory` (which must not exist, in a directory PostgreSQL's user can enter) and
 * returns the superuser's password. initdb runs once in a test run; every cluster is a copy of what it made.
 */
export function createCluster(
  binaries: PostgresBinaries,
  dataDirectory: string,
  settings: Readonly<Record<string, string | number | boolean>>,
  hba: readonly string[] | undefined,
): { readonly password: string } {
  const template = clusterTemplate(binaries);
  // -a keeps the owner, which must be PostgreSQL's user; node's own copy does not.
  run('cp', ['-a', join(template, 'data'), dataDirectory]);
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'`,
  );
  appendFileSync(join(dataDirectory, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  if (hba !== undefined) writeFileSync(join(dataDirectory, 'pg_hba.conf'), `${hba.join('\n')}\n`);
  return { password: readFileSync(join(template, 'password'), 'utf8').trim() };
}

/** The directory of the cluster all others are copied from, with its password beside it. */
function clusterTemplate(binaries: PostgresBinaries): string {
  const template = join(scratchDirectory(), `template-${binaries}`);
  if (existsSync(template)) return template;

  const owner = postgresOwner();
  const unfinished = `${template}-${process.pid}`;
  mkdirSync(unfinished);
  const passwordFile = join(unfinished, 'password');
  writeFileSync(passwordFile, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
  if ('uid' in owner) for (const path of [unfinished, passwordFile]) chownSync(path, owner.uid, owner.gid);
  run(
    join(postgresBinaryDirectory(binaries), 'initdb'),
    [
      `--pgdata=${join(unfinished, 'data')}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    owner,
  );
  moveUnlessThere(unfinished, template);
  return template;
}

function run(program: string, args: readonly string[], options: ReturnType<typeof postgresOwner> = {}): void {
  const environment = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
  const result = spawnSync(program, args, { ...options, cwd: '/', env: environment, encoding: 'utf8' });
  if (result.error !== undefined) throw new Error(`${program} did not start`, { cause: result.error });
  if (result.status !== 0) throw new Error(`${program} failed (${result.status}): ${result.stderr}`);
}
