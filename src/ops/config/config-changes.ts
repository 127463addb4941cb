import type { ConfigFile } from './config-schema';
import { formatPath, isMapping, type OptionPath } from './option-path';

/** An option whose value is another one now; undefined where it is not there. No secrets: a configuration only names where those are. */
export interface ConfigChange {
  readonly option: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Options that are read when the process starts, and what is below them: sockets, stores, and which server the sessions are connected to. */
const readAtStart: readonly OptionPath[] = [
  ['workers'],
  ['listen'],
  ['upstream'],
  ['auth'],
  ['admin'],
  ['cache'],
  ['queue'],
  ['log', 'format'],
  ['log', 'sql'],
  ['databases', '*', 'control'],
];

/** What differs, in the order of the first configuration, then of the second. */
export function configChanges(before: ConfigFile, after: ConfigFile): readonly ConfigChange[] {
  return changesBelow([], before, after).map(({ path, ...values }) => ({
    option: formatPath(path),
    ...values,
  }));
}

/** Those that a running process cannot follow. A database that is new, or gone, is none. */
export function changesThatNeedRestart(before: ConfigFile, after: ConfigFile): readonly ConfigChange[] {
  return changesBelow([], before, after)
    .filter(({ path }) => readAtStart.some((fixed) => isBelow(path, fixed)))
    .map(({ path, ...values }) => ({ option: formatPath(path), ...values }));
}

/** Whether anything differs that engines and population work by; otherwise they are left alone. */
export function concernsDatabases(before: ConfigFile, after: ConfigFile): boolean {
  return changesBelow([], before, after).some(({ path: [section, option] }) =>
    isForDatabases(String(section), String(option)),
  );
}

function isForDatabases(section: string, option: string): boolean {
  if (section === 'limits') return option === 'memory_bytes';
  if (section === 'log') return option !== 'level' && option !== 'levels';
  return true;
}

interface ChangeAt {
  readonly path: OptionPath;
  readonly before: unknown;
  readonly after: unknown;
}

/** A mapping that is only on one side is one change: what it says is one thing. */
function changesBelow(path: OptionPath, before: unknown, after: unknown): readonly ChangeAt[] {
  if (!isMapping(before) || !isMapping(after))
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => changesBelow([...path, name], before[name], after[name]));
}

function isBelow(path: OptionPath, fixed: OptionPath): boolean {
  return path.length >= fixed.length && fixed.every((name, i) => name === '*' || name === path[i]);
}
