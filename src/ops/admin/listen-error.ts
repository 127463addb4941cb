import { types } from 'node:util';
import { messageOf } from '../../errors/message-of';
import { StartError } from '../../errors/start-error';
import type { Endpoint } from '../config/pcache-config';

const remedies: ReadonlyMap<string, (section: string) => string> = new Map([
  [
    'EADDRINUSE',
    (section) => `the port is in use. Stop the other program, or choose another ${section}.port`,
  ],
  ['EACCES', (section) => `this user may not use the port. Choose a ${section}.port from 1024 up`],
  ['EADDRNOTAVAIL', (section) => `this machine does not have that address. Choose another ${section}.host`],
  ['ENOTFOUND', (section) => `the name is not known. Choose another ${section}.host`],
]);

/** Says in a sentence why a server of ours cannot listen, and which option of the configuration to change. */
export function listenError(
  section: 'listen' | 'admin',
  { host, port }: Endpoint,
  error: unknown,
): StartError {
  const code = types.isNativeError(error) ? ((error as NodeJS.ErrnoException).code ?? '') : '';
  const remedy =
    remedies.get(code)?.(section) ?? `${messageOf(error)}. Check ${section}.host and ${section}.port`;
  return new StartError(`cannot listen on ${host}:${port}: ${remedy}`, { cause: error });
}
