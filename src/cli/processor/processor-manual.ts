import type { CommandModule } from 'yargs';
import { StartError } from '../../errors/start-error';
import { UsageError } from '../usage-error';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';
import { tell, tellPeople } from '../output';
import { describeLine } from './processor-logs';

export const processorManualCommand: CommandModule<object, ProcessorFlags & { readonly count: number }> = {
  command: 'manual-process [count]',
  describe: 'Run up to so many fragments now, one after the other, whether it is enabled or not',
  builder: (argv) =>
    withProcessorFlags(argv).example('$0 processor manual-process 5 -c pcache.yaml', '').positional('count', {
      type: 'number',
      default: 1,
      describe: 'How many',
    }),
  handler: async ({ count, ...flags }) => {
    if (!(Number.isInteger(count) && count > 0))
      throw new UsageError('expected a number of fragments, 1 or more');
    await using place = await ProcessingDatabase.open(flags);
    const { timeoutS } = await place.processor.status();
    let done = 0;
    for await (const line of place.processor.runHere(count, timeoutS)) {
      tell(flags, line, describeLine(line));
      done += 1;
    }
    if (done === 0) tellPeople(flags, 'nothing waits');
  },
};

export const processorTestCommand: CommandModule<object, ProcessorFlags> = {
  command: 'test',
  describe: 'Look whether all it takes is there: pg_cron, tables, rights, jobs; exit code 1 if not',
  builder: (argv) => withProcessorFlags(argv).example('$0 processor test -c pcache.yaml', ''),
  handler: async (flags) => {
    await using place = await ProcessingDatabase.open(flags);
    const { processor, jobs, database } = place;
    const good = (what: string): void => tell(flags, { ok: true, says: what }, `ok: ${what}`);
    const cronDatabase = (await processor.find())?.cronDatabase ?? (await jobs.findCronDatabase());
    const cron = await jobs.cron(cronDatabase);
    good(`pg_cron ${cron.version.join('.')} in database ${cronDatabase}`);
    await processor.checkTables(place.tables);
    good('tables of queue and cache');
    const { isEnabled, maxJobs, source, backend, frequencyS } = await processor.status();
    const wanted = await place.place(frequencyS, cronDatabase);
    if (wanted.source !== source || wanted.backend !== backend)
      throw new StartError(
        'the processor is set up for another database or backend than the configuration names; run: pcache processor setup',
      );
    good(`set up for ${backend} and ${wanted.keys.map(({ name }) => name).join(', ')}`);
    const listed = await cron.list(place.jobNames);
    if (isEnabled && listed.length !== maxJobs + 1)
      throw new StartError(
        `pg_cron has ${listed.length} of its ${maxJobs + 1} jobs; run: pcache processor enable`,
      );
    const failed = listed.find(({ lastRun }) => lastRun?.status === 'failed');
    if (failed?.lastRun !== undefined)
      throw new StartError(
        `${failed.name} failed: ${failed.lastRun.message ?? 'pg_cron does not say why'}. ` +
          `Jobs log in from localhost as ${database.control.user} without a password, unless cron.use_background_workers is on`,
      );
    good(isEnabled ? `${listed.length} jobs` : 'not enabled; next: pcache processor enable');
  },
};
