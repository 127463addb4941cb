import { existsSync, readFileSync } from 'node:fs';

/**
 * How many files this process may have open; undefined where it cannot be told, or there is no limit. Node has raised the soft
 * limit to the hard one when it started.
 */
export function readOpenFileLimit(file = '/proc/self/limits'): number | undefined {
  // Only Linux has it.
  if (!existsSync(file)) return undefined;
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync(file, 'utf8')) ?? [];
  return soft === undefined ? undefined : Number(soft);
}
