import type { CommandModule } from 'yargs';
import type { PcacheConfig } from '../ops/config/pcache-config';
import { readConfigFile } from '../ops/config/read-config';
import { createLog } from '../ops/log/create-log';
import type { Log } from '../ops/log/log';
import { composeProxy } from './compose';
import { readConfigFlags, withConfigFlags, type ConfigFlags } from './config-flags';
import { ExitCode } from './exit-code';
import { listenToSignals } from './signals';

/** Time the process gets, after all was closed, to end by itself. */
const exitGraceMs = 5000;

export const proxyCommand: CommandModule<object, ConfigFlags> = {
  command: 'proxy',
  describe:
    'Start the proxy. SIGTERM: finish running statements and end. SIGHUP: read the catalog, the certificate and the user file again.',
  builder: (argv) => withConfigFlags(argv),
  handler: async (flags) => {
    const { file, sources } = readConfigFlags(flags, process.env);
    const config = readConfigFile(file, sources);
    const log = createLog(config.log);
    for (const notice of config.notices) log.warn({ source: file }, notice);
    endOnUnexpectedErrors(log);
    await runProxy(config, log);
    reportIfNotEnding(log);
  },
};

/** Runs the proxy until it is told to stop. Resolves after running statements finished and all was closed. */
export async function runProxy(config: PcacheConfig, log: Log): Promise<void> {
  using signals = listenToSignals(log);
  await using proxy = await composeProxy(config, log);
  signals.onHangUp(() => {
    log.info({}, 'SIGHUP: reading the catalog, the certificate and the user file again');
    proxy.reloadFiles();
    proxy.refreshCatalogs();
  });
  log.info({ ...proxy.addresses, upstream: config.upstream, mode: config.mode }, 'accepting connections');

  await aborted(signals.shutdown);
  await proxy.drain(config.limits.drainTimeoutMs);
  log.info({}, 'ended');
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}

/** Nothing is known to hold after an error nobody expected: other sessions are better off with a new process. */
function endOnUnexpectedErrors(log: Log): void {
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'unexpected error: this is a bug, please report it');
    process.exit(ExitCode.Failed);
  });
}

/** Everything is closed, so nothing should keep the process alive; if something does, it is named, and left behind. */
function reportIfNotEnding(log: Log): void {
  setTimeout(() => {
    log.error(
      { resources: process.getActiveResourcesInfo() },
      'something keeps the process alive; ending it',
    );
    process.exit();
  }, exitGraceMs).unref();
}
