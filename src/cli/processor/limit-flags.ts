import type { Argv } from 'yargs';
import { mostJobs } from '../../population/processor/processor-jobs';
import type { ProcessorChange } from '../../population/processor/processor-records';
import { UsageError } from '../usage-error';

const limits = {
  'max-jobs': { name: 'maxJobs', min: 1, max: mostJobs },
  frequency: { name: 'frequencyS', min: 1, max: 59 },
  timeout: { name: 'timeoutS', min: 1, max: 86_400 },
  limit: { name: 'maxKeys', min: 1, max: 100_000_000 },
  'log-days': { name: 'logDays', min: 1, max: 36_500 },
} as const;

export type ProcessorLimitFlags = Readonly<Record<keyof typeof limits, string | undefined>>;

export function withProcessorLimitFlags<T>(argv: Argv<T>): Argv<T & ProcessorLimitFlags> {
  const value = { type: 'string', requiresArg: true } as const;
  return argv
    .option('max-jobs', { ...value, describe: 'Fragments that run at the same time' })
    .option('frequency', { ...value, describe: 'Seconds between two looks at an empty queue, 1 to 59' })
    .option('timeout', { ...value, describe: 'Seconds after which a fragment is cancelled' })
    .option('limit', { ...value, describe: 'A fragment that returns more keys is not kept' })
    .option('log-days', { ...value, describe: 'Days that the log of runs is kept' });
}

/** What is given. Throws UsageError. */
export function changeOf(flags: ProcessorLimitFlags): ProcessorChange {
  const change = (Object.keys(limits) as (keyof typeof limits)[]).flatMap((flag) => {
    const text = flags[flag];
    if (text === undefined) return [];
    const { name, min, max } = limits[flag];
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max)
      throw new UsageError(`--${flag} ${text}: expected a whole number from ${min} to ${max}`);
    return [[name, value] as const];
  });
  return Object.fromEntries(change);
}
