import { PgError, SqlState } from '../../errors/pg-error';
import { isReplication, startupDatabase, type StartupMessage } from '../../wire/startup/startup-message';
import type { ConsoleServer } from './console-server';

/** Where the console is, and whom it is for. */
export interface ConsoleDoor {
  /** The database that clients name to get there. */
  readonly database: string;
  /** A database of the server that they are logged in to meanwhile. */
  readonly loginDatabase: string;
  /** Roles of the server. */
  readonly users: ReadonlySet<string>;
  /** The console of one session. */
  open(): ConsoleServer;
}

/** So many more connections there may be than limits.max_sessions, for consoles: they are needed when all places are taken. */
export const placesForConsoles = 10;

/** Whether a session is to be one of the console. */
export function isForConsole(door: ConsoleDoor | undefined, startup: StartupMessage | undefined): boolean {
  return (
    door !== undefined &&
    startup !== undefined &&
    !isReplication(startup) &&
    startupDatabase(startup) === door.database
  );
}

/**
 * The StartupMessage by which the server verifies who asks for the console: of what the client sent it keeps the user and the extensions of the
 * protocol. Settings are left out, for no session comes of it.
 */
export function loginStartup(startup: StartupMessage, { loginDatabase }: ConsoleDoor): StartupMessage {
  const kept = [...startup.parameters].filter(([name]) => name === 'user' || name.startsWith('_pq_.'));
  const own = [
    ['database', loginDatabase],
    ['client_encoding', 'UTF8'],
    ['application_name', 'pcache console login'],
  ] as const;
  return { ...startup, parameters: new Map([...kept, ...own]) };
}

/**
 * Why a user who is logged in may not use the console; undefined if they may.
 *
 * @param sessionUser as the server reports it, where it does: it may cut a name off, or take another one for it
 */
export function objectionTo(
  startup: StartupMessage,
  sessionUser: string | undefined,
  { users }: ConsoleDoor,
): PgError | undefined {
  const user = startup.parameters.get('user') ?? '';
  if (users.has(user) && (sessionUser ?? user) === user) return undefined;
  return new PgError(SqlState.InsufficientPrivilege, `user "${user}" may not use the console`, {
    severity: 'FATAL',
    hint: 'admin.users of the configuration names who may.',
  });
}
