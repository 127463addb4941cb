import { StartError } from '../../errors/start-error';
import { type OperatorSettings, readOperatorSettings } from './operator-settings';

/** File descriptors of sockets that were listened on before this process began. */
export interface InheritedSockets {
  /** Where clients connect, in place of `listen`. Not empty, if there are any. */
  readonly clients: readonly number[];
  /** In place of `admin`. */
  readonly admin: number | undefined;
  /** They come from a process of this program, that serves until this one does, and holds what only one can. */
  readonly isFromPredecessor: boolean;
  /** What an operator had set in that process. */
  readonly settings?: OperatorSettings | undefined;
}

export const noSockets: InheritedSockets = { clients: [], admin: undefined, isFromPredecessor: false };

/** The first one a service manager hands over: `SD_LISTEN_FDS_START`. */
const firstDescriptor = 3;
const names = ['clients', 'admin'];
const variables = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'PCACHE_PREDECESSOR'];

/**
 * What a service manager, or the process that this one succeeds, has handed over: sd_listen_fds(3). The variables that say so are removed, so
 * that no child takes them for its own.
 *
 * @throws StartError if there are sockets whose use is not clear
 */
export function takeInheritedSockets(
  env: NodeJS.ProcessEnv,
  { pid, send }: Pick<NodeJS.Process, 'pid' | 'send'>,
): InheritedSockets {
  const { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES = '', PCACHE_PREDECESSOR } = env;
  for (const name of variables) Reflect.deleteProperty(env, name);
  // A process that was not started by this program has no channel, whatever its variables say. The predecessor may have died since.
  const isFromPredecessor = PCACHE_PREDECESSOR !== undefined && send !== undefined;
  if (LISTEN_FDS === undefined || (LISTEN_PID !== String(pid) && !isFromPredecessor)) return noSockets;
  if (!/^\d{1,3}$/.test(LISTEN_FDS)) throw new StartError(`LISTEN_FDS is no number: ${LISTEN_FDS}`);
  const descriptors = Array.from({ length: Number(LISTEN_FDS) }, (_, i) => firstDescriptor + i);
  const given = LISTEN_FDNAMES.split(':');
  const areNamed = given.some((name) => names.includes(name));
  const nameOf = (i: number): string => (areNamed ? (given[i] ?? '') : 'clients');
  const unknown = descriptors.map((_, i) => nameOf(i)).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const message = `a socket named "${unknown}" was handed over; FileDescriptorName= is one of ${names.join(', ')}`;
    throw new StartError(message);
  }
  const named = (name: string): readonly number[] => descriptors.filter((_, i) => nameOf(i) === name);
  const [admin, ...more] = named('admin');
  if (more.length > 0) throw new StartError('more than one socket named "admin" was handed over');
  const settings = isFromPredecessor ? readOperatorSettings(PCACHE_PREDECESSOR) : undefined;
  return { clients: named('clients'), admin, isFromPredecessor, settings };
}
