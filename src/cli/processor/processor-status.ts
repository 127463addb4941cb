import type { CommandModule } from 'yargs';
import { StartError } from '../../errors/start-error';
import { describeProcessor } from './processor-config';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';

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
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const status = await processor.status();
  process.stdout.write(describeProcessor(status));
  const workers = await processor.workers();
  const running = workers.filter((worker) => worker.running !== undefined);
  say(`${workers.length} workers, ${running.length} of them running a fragment`);
  for (const { slot, pid, done, isAlive, running: what } of isDetailed ? workers : []) {
    const doing =
      what === undefined
        ? 'nothing'
        : `${what.partitionKey} ${what.hash} for ${what.seconds.toFixed(1)} s, attempt ${what.attempt}`;
    say(`  slot ${slot}, process ${pid}${isAlive ? '' : ' (gone)'}: ${done} done, running ${doing}`);
  }
  const runs = await processor.runs(isDetailed ? 24 : 1);
  if (runs.length === 0) say(`no runs in the last ${isDetailed ? 'day' : 'hour'}`);
  for (const { partitionKey, status: how, runs: count, averageMs, longestMs, keys } of runs)
    say(
      `${partitionKey} ${how}: ${count}` +
        (isDetailed
          ? `, ${averageMs.toFixed(1)} ms on average, ${longestMs.toFixed(1)} at most, ${keys} keys`
          : ''),
    );
  if (!status.isEnabled) return;
  const listed = await (await jobs.cron(status.cronDatabase)).list(place.jobNames);
  for (const { name, schedule, isActive, lastRun } of isDetailed ? listed : [])
    say(
      `  job ${name}: ${schedule}${isActive ? '' : ' (not active)'}` +
        (lastRun === undefined
          ? ', has not run'
          : `, last begun ${lastRun.startedAt.toISOString()}: ${lastRun.status} ${lastRun.message ?? ''}`),
    );
  if (listed.length !== status.maxJobs + 1)
    throw new StartError(
      `it is enabled, and pg_cron has ${listed.length} jobs for it instead of ${status.maxJobs + 1}; run: pcache processor enable`,
    );
  const failed = listed.find(({ lastRun }) => lastRun?.status === 'failed');
  if (failed?.lastRun !== undefined)
    throw new StartError(`${failed.name} failed: ${failed.lastRun.message ?? 'pg_cron does not say why'}`);
}
