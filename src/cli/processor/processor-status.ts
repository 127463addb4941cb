import type { CommandModule } from 'yargs';
import { StartError } from '../../errors/start-error';
import { describeProcessor, processorObject } from './processor-config';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';
import type { ProcessorRuns, ProcessorWorker } from '../../population/processor/processor-records';
import { oneLine, tell } from '../output';
import type { CronJobStatus } from '../../postgres/pg-cron';

export const processorStatusCommand: CommandModule<object, ProcessorFlags> = {
  command: 'status',
  describe: 'Say what is set up, what works now, and how the last hour went; exit code 1 if it does not run',
  builder: (argv) => withProcessorFlags(argv).example('$0 processor status -c pcache.yaml', ''),
  handler: (flags) => tellStatus(flags, false),
};

export const processorStatusDetailedCommand: CommandModule<object, ProcessorFlags> = {
  command: 'status-detailed',
  describe: 'The same with what each worker runs, the jobs of pg_cron, and the last day by partition key',
  builder: (argv) => withProcessorFlags(argv).example('$0 processor status-detailed -c pcache.yaml', ''),
  handler: (flags) => tellStatus(flags, true),
};

async function tellStatus(flags: ProcessorFlags, isDetailed: boolean): Promise<void> {
  await using place = await ProcessingDatabase.open(flags);
  const { processor, jobs } = place;
  const status = await processor.status();
  const workers = await processor.workers();
  const running = workers.filter((worker) => worker.running !== undefined).length;
  const runs = await processor.runs(isDetailed ? 24 : 1);
  const listed = status.isEnabled
    ? await (await jobs.cron(status.cronDatabase)).list(place.jobNames)
    : undefined;
  const details = isDetailed ? { workers, jobs: listed } : { workers: workers.length, jobs: listed?.length };
  const lines = [
    describeProcessor(status),
    `${workers.length} workers, ${running} of them running a fragment`,
    ...(isDetailed ? workers : []).map(describeWorker),
    ...(runs.length === 0 ? [`no runs in the last ${isDetailed ? 'day' : 'hour'}`] : []),
    ...runs.map((each) => describeRuns(each, isDetailed)),
    ...(isDetailed ? (listed ?? []) : []).map(describeJob),
  ];
  tell(flags, { ...processorObject(status), running, runs, ...details }, lines.join('\n'));
  if (listed === undefined) return;
  if (listed.length !== status.maxJobs + 1)
    throw new StartError(
      `it is enabled, and pg_cron has ${listed.length} jobs for it instead of ${status.maxJobs + 1}; run: pcache processor enable`,
    );
  const failed = listed.find(({ lastRun }) => lastRun?.status === 'failed');
  if (failed?.lastRun !== undefined)
    throw new StartError(`${failed.name} failed: ${failed.lastRun.message ?? 'pg_cron does not say why'}`);
}

function describeWorker({ slot, pid, done, isAlive, running: what }: ProcessorWorker): string {
  const doing =
    what === undefined
      ? 'nothing'
      : `${what.partitionKey} ${what.hash} for ${what.seconds.toFixed(1)} s, attempt ${what.attempt}`;
  return `  slot ${slot}, process ${pid}${isAlive ? '' : ' (gone)'}: ${done} done, running ${doing}`;
}

function describeRuns(
  { partitionKey, status, runs, averageMs, longestMs, keys }: ProcessorRuns,
  isDetailed: boolean,
): string {
  const details = `, ${averageMs.toFixed(1)} ms on average, ${longestMs.toFixed(1)} at most, ${keys} keys`;
  return `${partitionKey} ${status}: ${runs}${isDetailed ? details : ''}`;
}

function describeJob({ name, schedule, isActive, lastRun }: CronJobStatus): string {
  const last =
    lastRun === undefined
      ? ', has not run'
      : `, last begun ${lastRun.startedAt.toISOString()}: ${lastRun.status} ${oneLine(lastRun.message ?? '')}`;
  return `  job ${name}: ${schedule}${isActive ? '' : ' (not active)'}${last}`;
}
