import { ChannelClosedError } from '../../errors/channel-closed-error';
import { createLog } from '../../ops/log/create-log';
import { endOnUnexpectedErrors, endSoon } from '../process-end';
import { Channel } from './channel';
import { composeWorker } from './compose-worker';
import { unpackConfig } from './packed-config';
import { toOverseer, toWorker } from './worker-messages';

/** What a terminal sends to all processes of a group is for the overseer, which tells its workers. */
const overseersSignals = ['SIGINT', 'SIGHUP', 'SIGUSR2'] as const;

/** Serves clients until its overseer says that this is enough, or is gone; or until SIGTERM, and then its overseer starts another one. */
export async function runWorker(): Promise<void> {
  for (const signal of overseersSignals) process.on(signal, () => undefined);
  using channel = new Channel(process);
  const task = await channel.call(toOverseer.begin).catch((error: unknown) => {
    if (error instanceof ChannelClosedError) return undefined;
    throw error;
  });
  if (task === undefined) return;
  const config = unpackConfig(task.config);
  process.title = `pcache: worker ${task.worker}`;
  const processLog = createLog(config.log);
  const log = processLog.child({ worker: task.worker });
  endOnUnexpectedErrors(log);
  const setLevels = processLog.setLevels.bind(processLog);
  await using worker = await composeWorker(config, { channel, log, setLevels });
  const whenToDrain = new Promise<number>((resolve) => {
    const standard = (): void => resolve(worker.config.limits.drainTimeoutMs);
    let isAsked = false;
    channel.hear(toWorker.drain, (deadlineMs) => {
      isAsked = true;
      resolve(deadlineMs);
    });
    process.once('SIGTERM', () => {
      isAsked = true;
      log.info({}, 'SIGTERM: the worker ends when its sessions do');
      worker.leave();
      standard();
    });
    void channel.whenClosed.then(() => {
      if (!isAsked) log.error({}, 'the overseer is gone; the worker ends when its sessions do');
      standard();
    });
  });
  channel.tell(toOverseer.serving, undefined);
  await worker.drain(await whenToDrain);
  endSoon(log);
}
