import type { AdminConfig } from '../ops/config/pcache-config';
import type { ConsoleSubjects } from '../ops/console/console-subjects';
import { readCommands, type RunElsewhere } from '../ops/console/read-commands';
import type { Log } from '../ops/log/log';
import type { ConsoleDoor } from '../proxy/console/console-door';
import { ConsoleServer } from '../proxy/console/console-server';
import { redact } from '../query/ast/redact';
import { scanTokens } from '../query/ast/scan';
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

/** How the console shows what may hold values of clients' statements: as the log does. */
export function shownTexts(maySayValues: boolean): Pick<ConsoleSubjects, 'shownSql' | 'shownError'> {
  if (maySayValues) return { shownSql: (sql) => sql.slice(0, maxTextLength), shownError: (error) => error };
  return { shownSql: (sql) => redact(scanTokens(sql), maxTextLength), shownError: withoutValues };
}
