import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgresProgram } from './postgres-server';
import { temporaryDirectory } from './temporary-directory';

/** Undefined where it is not installed. */
export const pgbench = findPostgresProgram('pgbench');

/** What disturbs nobody: clients of pgbench that run a script again and again until they are disposed of. */
export interface RunningPgbench extends AsyncDisposable {
  /** What went wrong so far. */
  trouble(): string | undefined;
}

/**
 * Undefined where there is no pgbench; then titles have to say so.
 *
 * @param environment variables of libpq that say where to connect
 */
export async function startPgbench(
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<RunningPgbench | undefined> {
  if (pgbench === undefined) return undefined;
  const directory = await temporaryDirectory('pgbench');
  const file = join(directory.path, 'script.pgbench');
  writeFileSync(file, script);
  const child = spawn(pgbench, ['-n', '-T', '36000', '-f', file, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'exit');
  return {
    trouble: () =>
      child.exitCode !== null || /error|abort|failed: [1-9]/.test(output)
        ? `${child.exitCode} ${output}`
        : undefined,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGINT');
      await ended;
      await directory[Symbol.asyncDispose]();
    },
  };
}
