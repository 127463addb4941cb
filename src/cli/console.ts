import type { AdminConfig } from '../ops/config/pcache-config';
import type { ConsoleSubjects } from '../ops/console/console-subjects';
import { configLines } from '../ops/console/config-lines';
import { readCommands, type RunElsewhere } from '../ops/console/read-commands';
import type { Log } from '../ops/log/log';
import type { Metrics } from '../ops/metrics/metrics';
import type { ConsoleDoor } from '../proxy/console/console-door';
import { ConsoleServer } from '../proxy/console/console-server';
import { redact } from '../query/ast/redact';
import { scanTokens } from '../query/ast/scan';
import type { RunningDatabases } from './running-databases';
import type { Steering } from './steering';
import { readVersion } from './version';
import { withoutValues } from './without-values';

/** Of a statement that is shown, in characters. */
const maxTextLength = 2_000;

/**
 * The way to the console; undefined if the configuration lets nobody in.
 *
 * @param elsewhere of a worker: has its overseer do what is about all workers
 */
export function consoleDoor(
  { users, consoleDatabase: database, loginDatabase }: AdminConfig,
  subjects: ConsoleSubjects,
  log: Log,
  elsewhere?: RunElsewhere,
): ConsoleDoor | undefined {
  if (users.length === 0) return undefined;
  const own = log.child({ part: 'console' });
  return {
    ...{ database, loginDatabase, users: new Set(users) },
    open: () => new ConsoleServer({ read: (text) => readCommands(text, subjects, elsewhere), log: own }),
  };
}

/** What a console is about. All lent. */
export interface ConsoleParts {
  readonly steering: Steering;
  readonly databases: RunningDatabases;
  readonly metrics: Metrics;
}

/** @param own what is known of clients; of databases too, if this process is not the only one that has them open */
export function consoleSubjects(
  { steering, databases, metrics }: ConsoleParts,
  own: Pick<ConsoleSubjects, 'clients' | 'kill'> & Partial<Pick<ConsoleSubjects, 'databases'>>,
): ConsoleSubjects {
  return {
    control: steering,
    statements: metrics.statements,
    version: readVersion(),
    config: () => configLines(steering.config.options, steering.mode.mode),
    databases: () => databases.facts(),
    fragments: (partitionKey) => databases.entries(partitionKey),
    ...shownTexts(steering.config.log.sql),
    ...own,
  };
}

/** How the console shows what may hold values of clients' statements: as the log does. */
function shownTexts(maySayValues: boolean): Pick<ConsoleSubjects, 'shownSql' | 'shownError'> {
  if (maySayValues) return { shownSql: (sql) => sql.slice(0, maxTextLength), shownError: (error) => error };
  return { shownSql: (sql) => redact(scanTokens(sql), maxTextLength), shownError: withoutValues };
}
