import { type Engine } from '../../engine/engine';
import { isReplication, startupDatabase, type StartupMessage } from '../../wire/startup/startup-message';
import { type SessionHost } from '../session/session-host';

/** The database a session is scanned for, with its engine; undefined for a session that is only relayed. */
export function scannedDatabase(
  { engines, mode }: SessionHost,
  startup: StartupMessage,
): { readonly database: string; readonly engine: Engine } | undefined {
  const database = startupDatabase(startup);
  const engine = engines.get(database);
  if (engine === undefined || mode === 'off' || isReplication(startup)) return undefined;
  return { database, engine };
}
