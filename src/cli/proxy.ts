import type { CommandModule } from 'yargs';
import { checkConfig } from '../ops/config/check-config';
import type { PcacheConfig } from '../ops/config/pcache-config';
import { configText, readConfig } from '../ops/config/read-config';
import { createLog } from '../ops/log/create-log';
import type { Log } from '../ops/log/log';
import { whenAborted } from '../population/when-aborted';
import { composeProxy } from './compose';
import { readConfigFlags, withConfigFlags, type ConfigFlags } from './config-flags';
import { meantConfig, readKeyedConfig } from './key-flags';
import { endOnUnexpectedErrors, endSoon } from './process-end';
import type { LoadedConfig } from './reloader';
import { listenToSignals } from './signals';

export const proxyCommand: CommandModule<object, ConfigFlags> = {
  command: 'proxy',
  describe:
    'Start the proxy. SIGTERM: finish running statements and end. SIGHUP: read the configuration, the certificate, the user file and the catalog again.',
  builder: (argv) => withConfigFlags(argv).example('$0 proxy -c pcache.yaml --mode observe', ''),
  handler: async (flags) => {
    const config = await readKeyedConfig(flags, 'exact');
    const log = createLog(config.log);
    for (const notice of config.notices) log.warn({ source: config.source }, notice);
    endOnUnexpectedErrors(log);
    await runProxy(config, log, readerOf(flags));
  },
};

/** Reads the configuration file again; undefined if there is none to follow. */
function readerOf(flags: ConfigFlags): (() => LoadedConfig) | undefined {
  const { file, sources } = readConfigFlags(flags, process.env);
  if (file === undefined || file === '-') return undefined;
  return () => {
    const [text, all] = configText(file, sources);
    return { file: checkConfig(text, all).file, config: meantConfig(readConfig(text, all), flags) };
  };
}

/** Runs the proxy until it is told to stop. Resolves after running statements finished and all was closed; the process then ends soon. */
export async function runProxy(config: PcacheConfig, log: Log, read?: () => LoadedConfig): Promise<void> {
  using signals = listenToSignals(log);
  const followed = read === undefined ? undefined : { read, loaded: { ...read(), config } };
  await using proxy = await composeProxy(config, log, followed);
  signals.onHangUp(() => {
    log.info({}, 'SIGHUP: reading the configuration, the certificate, the user file and the catalog again');
    void proxy.control.reload();
  });
  log.info({ ...proxy.addresses, upstream: config.upstream, mode: config.mode }, 'accepting connections');

  await whenAborted(signals.shutdown);
  await proxy.drain(proxy.config.limits.drainTimeoutMs);
  log.info({}, 'ended');
  endSoon(log);
}
