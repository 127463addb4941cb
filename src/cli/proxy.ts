import type { CommandModule } from 'yargs';
import type { PcacheConfig } from '../ops/config/pcache-config';
import { createLog } from '../ops/log/create-log';
import type { Log } from '../ops/log/log';
import { whenAborted } from '../population/when-aborted';
import { composeProxy } from './compose';
import { withConfigFlags, type ConfigFlags } from './config-flags';
import { readKeyedConfig } from './key-flags';
import { endOnUnexpectedErrors, endSoon } from './process-end';
import { listenToSignals } from './signals';

export const proxyCommand: CommandModule<object, ConfigFlags> = {
  command: 'proxy',
  describe:
    'Start the proxy. SIGTERM: finish running statements and end. SIGHUP: read the catalog, the certificate and the user file again.',
  builder: (argv) => withConfigFlags(argv).example('$0 proxy -c pcache.yaml --mode observe', ''),
  handler: async (flags) => {
    const config = await readKeyedConfig(flags, 'exact');
    const log = createLog(config.log);
    for (const notice of config.notices) log.warn({ source: config.source }, notice);
    endOnUnexpectedErrors(log);
    await runProxy(config, log);
  },
};

/** Runs the proxy until it is told to stop. Resolves after running statements finished and all was closed; the process then ends soon. */
export async function runProxy(config: PcacheConfig, log: Log): Promise<void> {
  using signals = listenToSignals(log);
  await using proxy = await composeProxy(config, log);
  signals.onHangUp(() => {
    log.info({}, 'SIGHUP: reading the catalog, the certificate and the user file again');
    proxy.reloadFiles();
    proxy.refreshCatalogs();
  });
  log.info({ ...proxy.addresses, upstream: config.upstream, mode: config.mode }, 'accepting connections');

  await whenAborted(signals.shutdown);
  await proxy.drain(config.limits.drainTimeoutMs);
  log.info({}, 'ended');
  endSoon(log);
}
