import type { ConsoleResult } from '../../ops/console/console-command';
import type { ConsoleSubjects } from '../../ops/console/console-subjects';
import { readCommands, type RunElsewhere } from '../../ops/console/read-commands';
import { callName, type Channel, newsName } from './channel';

/** A command of the console, as its client wrote it; a worker counts them. */
const runCommand = callName<{ readonly run: number; readonly text: string }, ConsoleResult>('console.run');
const cancelCommand = newsName<number>('console.cancel');

/** Of a worker: has its overseer do commands. */
export function commandsOver(channel: Channel): RunElsewhere {
  let runs = 0;
  return async (text, signal) => {
    signal.throwIfAborted();
    const run = runs++;
    const cancel = (): void => channel.tell(cancelCommand, run);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await channel.call(runCommand, { run, text });
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
}

/**
 * Of an overseer: does the commands of a worker's clients, until the channel closes.
 *
 * @param refresh to be awaited before a command looks at anything
 */
export function answerCommands(
  channel: Channel,
  subjects: ConsoleSubjects,
  refresh: () => Promise<void>,
): void {
  const running = new Map<number, AbortController>();
  channel.answer(runCommand, async ({ run, text }) => {
    const stop = new AbortController();
    running.set(run, stop);
    try {
      // The worker has read it, and sends one at a time.
      const [command] = readCommands(text, subjects);
      if (command === undefined) throw new Error('there is no command to do');
      await refresh();
      return await command.run(stop.signal);
    } finally {
      running.delete(run);
    }
  });
  channel.hear(cancelCommand, (run) => running.get(run)?.abort());
  void channel.whenClosed.then(() => {
    for (const stop of running.values()) stop.abort();
  });
}
