import { readdirSync, readFileSync } from 'node:fs';

/** Length of the kernel's clock tick in user space; 100 a second on every Linux platform (man 7 time, USER_HZ). */
const microsecondsPerTick = 10_000;

/** Fields of /proc/<pid>/stat after the process name, which may hold spaces and parentheses (man 5 proc, from field 3 on). */
function statFields(pid: number | string): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function ticks(fields: readonly string[], from: number, to: number): number {
  return fields.slice(from - 3, to - 2).reduce((sum, field) => sum + Number(field), 0);
}

/** CPU time a process has taken so far, all its threads, user and system, in microseconds. */
export function processCpuUs(pid: number): number {
  return ticks(statFields(pid), 14, 15) * microsecondsPerTick;
}

/**
 * The same for a process and its children, those that have ended and been waited for included: what PostgreSQL has taken
 * since it was started, whatever connections came and went.
 */
export function processTreeCpuUs(pid: number): number {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statIfRunning)
    .filter((fields) => fields?.[1] === String(pid));
  const taken = children.reduce((sum, fields) => sum + ticks(fields ?? [], 14, 15), 0);
  return (ticks(statFields(pid), 14, 17) + taken) * microsecondsPerTick;
}

/** Processes may end between being listed and being looked at. */
function statIfRunning(pid: string): readonly string[] | undefined {
  try {
    return statFields(pid);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
