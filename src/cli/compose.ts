import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import { composeSessions } from './compose-sessions';
import { listenOptions, openForClients } from './create-listener';
import { noSockets } from './handover/inherited-sockets';
import { type ComposeOptions, openProxy, type RunningProxy } from './running-proxy';

/**
 * Puts the parts together by the configuration and starts them, the operator's port first and the clients' last; they are
 * closed the other way round. Rejects with StartError, after closing what was opened.
 */
export async function composeProxy(
  config: PcacheConfig,
  log: Log,
  { followed, inherited = noSockets }: ComposeOptions = {},
): Promise<RunningProxy> {
  return openProxy(config, log, inherited.admin, async (surroundings) => {
    const listen = listenOptions(config, inherited);
    const { databases, listener, steering } = await composeSessions(config, surroundings, {
      listen,
      followed,
      settings: inherited.settings,
    });
    const address = await openForClients(config, () => listener.start());
    return {
      ...{ address, databases, steering },
      descriptors: listener.descriptors,
      drain: (deadlineMs) => listener.drain(deadlineMs),
    };
  });
}
