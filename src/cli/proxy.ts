import type { CommandModule } from 'yargs';
import { checkConfig } from '../ops/config/check-config';
import type { PcacheConfig } from '../ops/config/pcache-config';
import { configText, readConfig } from '../ops/config/read-config';
import { createLog, type LeveledLog } from '../ops/log/create-log';
import { whenAborted } from '../population/when-aborted';
import { composeProxy } from './compose';
import { readConfigFlags, withConfigFlags, type ConfigFlags } from './config-flags';
import { meantConfig, readKeyedConfig } from './key-flags';
import { endOnUnexpectedErrors, endSoon } from './process-end';
import { Handover } from './handover/handover';
import { takeInheritedSockets } from './handover/inherited-sockets';
import { ServiceManager } from './handover/service-manager';
import { tellPredecessor } from './handover/successor';
import type { LoadedConfig } from './reloader';
import { listenToSignals } from './signals';

export const proxyCommand: CommandModule<object, ConfigFlags> = {
  command: 'proxy',
  describe:
    'Start the proxy. SIGTERM: finish running statements and end. SIGHUP: read the configuration, the certificate, the user file and the catalog again. SIGUSR2: start the program anew, and have it take over without a connection refused.',
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
export async function runProxy(
  config: PcacheConfig,
  log: LeveledLog,
  read?: () => LoadedConfig,
): Promise<void> {
  using signals = listenToSignals(log);
  using manager = new ServiceManager(process.env, log);
  const inherited = takeInheritedSockets(process.env, process);
  const follow = (changed: PcacheConfig): void => log.setLevels(changed.log);
  const followed = read === undefined ? undefined : { read, loaded: { ...read(), config }, followed: follow };
  await using proxy = await composeProxy(config, log, { followed, inherited });
  signals.onHangUp(() => {
    log.info({}, 'SIGHUP: reading the configuration, the certificate, the user file and the catalog again');
    void proxy.control.reload();
  });
  const handover = new Handover(proxy, signals.shutdown, log);
  signals.onSucceed(() => void handover.begin());
  log.info({ ...proxy.addresses, upstream: config.upstream, mode: config.mode }, 'accepting connections');
  manager.ready();
  if (inherited.isFromPredecessor) tellPredecessor();

  await Promise.race([whenAborted(signals.shutdown).then(() => manager.stopping()), handover.whenSucceeded]);
  await proxy.drain(proxy.config.limits.drainTimeoutMs);
  log.info({}, 'ended');
  endSoon(log);
}
