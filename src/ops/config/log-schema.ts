import { z } from 'zod';
import { choice, flag, milliseconds, says } from './option-kinds';

export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logFormats = ['json', 'pretty'] as const;
export type LogFormat = (typeof logFormats)[number];

const partLevel = choice(logLevels, 'Of entries whose part is this one, in place of log.level.').optional();

/** The section `log` of the configuration file. */
export const logSchema = z
  .strictObject({
    level: choice(logLevels, 'Least severe entries that are written, to standard error.').default('info'),
    levels: z
      .strictObject({
        proxy: partLevel,
        engine: partLevel,
        population: partLevel,
        freshness: partLevel,
        cache: partLevel,
        queue: partLevel,
        eviction: partLevel,
        console: partLevel,
        admin: partLevel,
      })
      .prefault({}),
    format: choice(logFormats, 'json: one object a line. pretty: for people.').default('json'),
    sql: flag('Write statement texts and parameter values, which may be confidential.').default(false),
    slow_ms: milliseconds(
      0,
      'Statements on the tables of partition keys that take at least as long are written, without values unless log.sql is true. 0: none.',
    ).default(0),
    rewrites: z
      .strictObject({
        sample: z
          .number()
          .min(0)
          .max(1)
          .meta(
            says(
              'Share of the restricted statements that are written, as they came and as they were sent, likewise.',
              'a number from 0 to 1',
            ),
          )
          .default(0),
      })
      .prefault({}),
  })
  .prefault({});
