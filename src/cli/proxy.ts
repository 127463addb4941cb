import type { CommandModule } from 'yargs';
import { checkConfig } from '../ops/config/check-config';
import type { PcacheConfig } from '../ops/config/pcache-config';
import { configText, readConfig } from '../ops/config/read-config';
import { createLog, type LeveledLog } from '../ops/log/create-log';
import type { Log } from '../ops/log/log';
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
import type { RunningProxy } from './running-proxy';
import { listenToSignals } from './signals';
import { composeOverseer } from './workers/compose-overseer';
import { runWorker } from './workers/run-worker';
import { isWorker } from './workers/worker-process';

export const proxyCommand: CommandModule<object, ConfigFlags> = {
  command: 'proxy',
  describe:
    'Start the proxy. SIGTERM: finish running statements and end. SIGHUP: read the configuration, the certificate, the user file and the catalog again. SIGUSR2: start the program anew, and have it take over without a connection refused.',
  builder: (argv) =>
    withConfigFlags(argv)
      .option('workers', {
        type: 'string',
        requiresArg: true,
        describe:
          'Processes that serve clients, or auto [environment: PCACHE_WORKERS] [default: what the file says, else 1]',
      })
      .example('$0 proxy -c pcache.yaml --mode observe', ''),
  handler: async (flags) => {
    if (isWorker(process.env, process)) return runWorker();
    const read = readerOf(flags);
    // Read once: what a reload compares with is what is in force.
    const loaded = read?.();
    const config = loaded?.config ?? (await readKeyedConfig(flags, 'exact'));
    const log = createLog(config.log);
    for (const notice of config.notices) log.warn({ source: config.source }, notice);
    endOnUnexpectedErrors(log);
    const canBeReadAnew = readConfigFlags(flags, process.env).file !== '-';
    await runProxy(config, log, { loaded, read, canBeReadAnew });
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

/** Where a configuration came from. */
export interface ConfigOrigin {
  /** undefined: there is no file to follow. */
  readonly read?: (() => LoadedConfig) | undefined;
  /** What it returned at the start. */
  readonly loaded?: LoadedConfig | undefined;
  /** Whether another process would find it there too. */
  readonly canBeReadAnew?: boolean;
}

/** Runs the proxy until it is told to stop. Resolves after running statements finished and all was closed; the process then ends soon. */
export async function runProxy(
  config: PcacheConfig,
  log: LeveledLog,
  { read, loaded, canBeReadAnew = true }: ConfigOrigin = {},
): Promise<void> {
  using signals = listenToSignals(log);
  using manager = new ServiceManager(process.env, log);
  const inherited = takeInheritedSockets(process.env, process);
  const follow = (changed: PcacheConfig): void => log.setLevels(changed.log);
  const followed =
    read === undefined || loaded === undefined ? undefined : { read, loaded, followed: follow };
  const compose = config.workers === 1 ? composeProxy : composeOverseer;
  await using proxy = await compose(config, log, { followed, inherited });
  const handover = new Handover(proxy, signals.shutdown, log);
  signals.onHangUp(() => {
    log.info({}, 'SIGHUP: reading the configuration, the certificate, the user file and the catalog again');
    void handover.reload();
  });
  signals.onSucceed(() => {
    if (canBeReadAnew) void handover.begin();
    else
      log.error(
        {},
        'SIGUSR2: no successor is started, as it would not find the configuration on standard input',
      );
  });
  log.info(
    { ...proxy.addresses, upstream: config.upstream, mode: proxy.config.mode },
    'accepting connections',
  );
  manager.ready();
  if (inherited.isFromPredecessor) {
    warnOfOtherPorts(config, proxy.addresses, log);
    tellPredecessor();
  }

  await Promise.race([whenAborted(signals.shutdown).then(() => manager.stopping()), handover.whenSucceeded]);
  await proxy.drain(proxy.config.limits.drainTimeoutMs);
  await handover.idle();
  log.info({}, 'ended');
  endSoon(log);
}

/** The configuration may have changed since its predecessor was started. */
function warnOfOtherPorts(config: PcacheConfig, addresses: RunningProxy['addresses'], log: Log): void {
  for (const section of ['listen', 'admin'] as const) {
    const { port } = addresses[section];
    const configured = config[section].port;
    if (configured === 0 || configured === port) continue;
    const fields = { option: `${section}.port`, port, configured };
    log.warn(
      fields,
      'a successor keeps the sockets that it was handed; stop the proxy and start it to change them',
    );
  }
}
