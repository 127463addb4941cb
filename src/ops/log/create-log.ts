import pino, { type DestinationStream } from 'pino';
import type { LogConfig } from '../config/pcache-config';
import type { Log } from './log';
import { prettyStream } from './pretty-stream';
import { serializeError } from './serialize-error';

/**
 * Fields that hold what clients wrote or sent. Statement text goes into `sql`, values into `parameters`, nothing of
 * either into messages; then one option decides about all of it.
 */
const confidentialFields = ['sql', 'parameters'];

/** The process's log. Entries go to standard error, so that standard output is a command's result and nothing else. */
export function createLog(config: LogConfig, destination: DestinationStream = standardError()): Log {
  const paths = confidentialFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  return pino(
    {
      level: config.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => serializeError(error, config.sql) },
      ...(config.sql ? {} : { redact: { paths, censor: '[redacted]' } }),
    },
    config.format === 'pretty' ? prettyStream(destination) : destination,
  );
}

/** Synchronous: what is logged just before the process ends is still written. */
function standardError(): DestinationStream {
  return pino.destination({ dest: 2, sync: true });
}
