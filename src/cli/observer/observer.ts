import type { CommandModule } from 'yargs';
import { createLog } from '../../ops/log/create-log';
import { whenAborted } from '../../population/when-aborted';
import { readKeyedConfig, refuseKeyBesideFile } from '../key-flags';
import { endOnUnexpectedErrors, endSoon } from '../process-end';
import { listenToSignals } from '../signals';
import { composeObserver } from './compose-observer';
import { numberOf } from '../number-flag';
import { observerChoices, observerConfig, type ObserverFlags, withObserverFlags } from './observer-flags';
import { Progress } from './progress';
import { RunTimesFile } from './run-times-file';

export const observerCommand: CommandModule<object, ObserverFlags> = {
  command: 'observer',
  describe:
    'Run the fragments that proxies learn, in a process of its own; any number of them share the work. SIGTERM: give back what is running and end.',
  builder: (argv) => withObserverFlags(argv).example('$0 observer -c pcache.yaml --max-processes 4', ''),
  handler: async (flags) => {
    refuseKeyBesideFile(flags);
    const config = observerConfig(await readKeyedConfig(flags), flags);
    const intervalMs = (numberOf(flags, 'status-log-interval', 0, 2_147_483) ?? 0) * 1_000;
    const log = createLog(config.log);
    for (const notice of config.notices) log.warn({ source: config.source }, notice);
    endOnUnexpectedErrors(log);

    const times = flags['log-query-times'];
    const timesFile =
      times === undefined ? undefined : new RunTimesFile(times, (message, err) => log.warn({ err }, message));
    const progress = new Progress(log, process.stdout);
    {
      using signals = listenToSignals(log);
      await using observer = await composeObserver(
        config,
        {
          ...observerChoices(flags),
          onFinished: (database, run) => {
            progress.count(run);
            timesFile?.add(database, run);
          },
        },
        log,
      );
      log.info({ databases: [...config.databases.keys()], cache: config.cache.backend }, 'observing');
      const { shutdown } = signals;
      await (intervalMs > 0 ? progress.tell(observer, intervalMs, shutdown) : whenAborted(shutdown));
      endSoon(log);
    }
    log.info({}, 'ended');
  },
};
