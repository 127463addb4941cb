import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const project = join(__dirname, '..', '..');
const program = '/usr/bin/script';
export const hasTerminal = existsSync(program);

export interface OnTerminal {
  readonly code: number | null;
  /** All that came to the screen, of both streams. */
  readonly screen: string;
}

/** Runs a command on a terminal of its own (util-linux' script makes it), where somebody types `answer` when asked. */
export async function runOnTerminal(
  args: readonly string[],
  { environment, answer }: { readonly environment?: Record<string, string>; readonly answer?: string } = {},
): Promise<OnTerminal> {
  const words = [process.execPath, '--import', require.resolve('tsx'), join(project, 'src/main.ts'), ...args];
  const command = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn(program, ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: project,
    env: { PATH: process.env['PATH'], TERM: 'xterm-256color', SHELL: '/bin/sh', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  let hasAnswered = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    if (answer === undefined || hasAnswered || !screen.includes('[y/N] ')) return;
    hasAnswered = true;
    child.stdin.write(`${answer}\n`);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, screen };
}
