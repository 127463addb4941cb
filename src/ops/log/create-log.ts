import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from '../config/log-schema';
import type { LogConfig } from '../config/pcache-config';
import type { Log } from './log';
import { formatLine, prettyStream } from './pretty-stream';
import { serializeError } from './serialize-error';
import { StandardError } from './standard-error';

/** What a log is made by. */
export type LogOptions = Pick<LogConfig, 'level' | 'format' | 'sql'> & Partial<Pick<LogConfig, 'levels'>>;

/** A log whose levels can be changed, for all logs that were made of it as well. */
export interface LeveledLog extends Log {
  setLevels(levels: Pick<LogOptions, 'level' | 'levels'>): void;
}

/**
 * Fields that hold what clients wrote or sent. Statement text goes into `sql`, values into `parameters`, nothing of
 * either into messages; then one option decides about all of it.
 */
const confidentialFields = ['sql', 'parameters'];

/** The process's log. Entries go to standard error, so that standard output is a command's result and nothing else. */
export function createLog(
  config: LogOptions,
  destination: DestinationStream = new StandardError(lostLine(config)),
): LeveledLog {
  const paths = confidentialFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  const levels = new PartLevels(config);
  const log: Logger = pino(
    {
      level: config.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => serializeError(error, config.sql) },
      onChild: (child) => levels.add(child),
      ...(config.sql ? {} : { redact: { paths, censor: '[redacted]' } }),
    },
    config.format === 'pretty' ? prettyStream(destination) : destination,
  );
  levels.add(log);
  return Object.assign(log, { setLevels: (changed: LogOptions) => levels.change(changed) });
}

/** Keeps the level of every log, by the part it belongs to. A log that nobody has any more is forgotten. */
class PartLevels {
  #logs: WeakRef<Logger>[] = [];
  /** When those that are gone are looked for. */
  #roomFor = 100;

  constructor(private config: Pick<LogOptions, 'level' | 'levels'>) {}

  add(log: Logger): void {
    this.#apply(log);
    if (this.#logs.length >= this.#roomFor) {
      this.#logs = this.#logs.filter((each) => each.deref() !== undefined);
      this.#roomFor = 100 + 2 * this.#logs.length;
    }
    this.#logs.push(new WeakRef(log));
  }

  change(config: Pick<LogOptions, 'level' | 'levels'>): void {
    this.config = config;
    for (const each of this.#logs) {
      const log = each.deref();
      if (log !== undefined) this.#apply(log);
    }
  }

  #apply(log: Logger): void {
    const { level, levels = {} } = this.config;
    const { part } = log.bindings();
    log.level = (levels as Readonly<Record<string, LogLevel | undefined>>)[String(part)] ?? level;
  }
}

/** As an entry of the log. */
function lostLine({ format }: LogOptions): (lost: number) => string {
  return (lost) => {
    const time = new Date().toISOString();
    const entry = {
      level: 'warn',
      time,
      pid: process.pid,
      lost,
      msg: 'entries of the log could not be written',
    };
    const line = `${JSON.stringify(entry)}\n`;
    return format === 'pretty' ? formatLine(line) : line;
  };
}
