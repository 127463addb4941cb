import { basename } from 'node:path';

/** The programs of PartitionCache, and the commands they are here. package.json has each of them for main.ts. */
export const programNames: Readonly<Record<string, string>> = {
  pcache: '',
  'pcache-add': 'add',
  'pcache-get': 'get',
  'pcache-read': 'get',
  'pcache-observer': 'observer',
  'pcache-monitor': 'observer',
  'pcache-manage': 'manage',
  'pcache-postgresql-queue-processor': 'processor',
  'pcache-postgresql-eviction-manager': 'eviction',
};

/** The arguments of a process, with the command that the name it was called by stands for. */
export function argumentsOf([, script = '', ...args]: readonly string[]): readonly string[] {
  const command = programNames[basename(script)] ?? '';
  return command === '' ? args : [command, ...args];
}
