import { createInterface } from 'node:readline/promises';
import { UsageError } from './usage-error';

/**
 * Asks on a terminal whether something may be destroyed; resolves to the answer. Where nobody can be asked, `--yes` has to have been
 * given, or it throws UsageError.
 *
 * @param question what will happen, as a question without its end: `Remove 12 entries`
 */
export async function confirm(question: string, isYes: boolean): Promise<boolean> {
  if (isYes) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError(`${question}? Nobody can be asked here: say --yes if so`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl-C and Ctrl-D close it; by the version of Node.js the question is then rejected, or never answered.
    const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    const asked = terminal.question(`${question}? [y/N] `).catch(() => '');
    const answer = await Promise.race([asked, closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
