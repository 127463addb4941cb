import type { CronJob } from '../../postgres/pg-cron';
import { quoteIdentifier } from '../../query/ast/quote';
import type { ProcessorSchema } from './database-processor';

/** Above it no slot is ever given a job. */
export const mostJobs = 64;
/** Before the minute is over, for the next job to begin with it. */
const loopS = 58;

export interface JobsOptions {
  readonly schema: ProcessorSchema;
  /** Where they run, and as whom. */
  readonly database: string;
  readonly user: string;
  readonly maxJobs: number;
  readonly frequencyS: number;
  /** Whether pg_cron takes schedules in seconds (from 1.5 on). */
  readonly hasSeconds: boolean;
}

/**
 * The jobs of a processor: one that watches, and so many that work. Where pg_cron knows minutes only, each goes on for most of one, and looks at
 * the queue with the frequency; else it is begun with the frequency, and ends when the queue is empty. pg_cron begins no job that still runs.
 */
export function processorJobs(options: JobsOptions): readonly CronJob[] {
  const { schema, database, user, maxJobs, frequencyS, hasSeconds } = options;
  const called = (name: string): string =>
    `${quoteIdentifier(schema.schema)}.${quoteIdentifier(`${schema.tablePrefix}${name}`)}`;
  const schedule = hasSeconds ? `${frequencyS} seconds` : '* * * * *';
  const seconds = hasSeconds ? 0 : loopS;
  const [watch = '', ...slots] = jobNames(options);
  return [
    {
      ...{ name: watch, database, user },
      schedule: hasSeconds ? '1 seconds' : schedule,
      command: `call ${called('process_watch')}(${seconds})`,
    },
    ...slots.slice(0, maxJobs).map((name, i) => ({
      ...{ name, schedule, database, user },
      command: `call ${called('process')}(${i + 1}, ${seconds})`,
    })),
  ];
}

/** All it could ever have: like no others on the server. */
export function jobNames({ schema, database }: Pick<JobsOptions, 'schema' | 'database'>): readonly string[] {
  const of = JSON.stringify([database, schema.schema, schema.tablePrefix]);
  const numbers = Array.from({ length: mostJobs }, (_, i) => String(i + 1));
  return ['watch', ...numbers].map((part) => `pcache processor ${of} ${part}`);
}
