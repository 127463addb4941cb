import { type FrameReader } from '../../wire/frame-reader';
import { type StartupMessage } from '../../wire/startup/startup-message';
import { scannedDatabase } from '../scan/scanned-database';
import { ScannedSession } from '../scan/scanned-session';
import { type SessionHost } from './session-host';
import { type SessionLink } from '../scan/session-link';

/** Makes the part of a session that scans what goes both ways; undefined for one that is only relayed. */
export function scanSession(
  host: SessionHost,
  startup: StartupMessage,
  reader: FrameReader,
  treatments: Uint8Array,
  own: Omit<SessionLink, 'database' | 'engine' | 'mode' | 'limits' | 'events' | 'log'>,
): ScannedSession | undefined {
  const scanned = scannedDatabase(host, startup);
  if (scanned === undefined) return undefined;
  const { mode, limits, events, log } = host;
  return new ScannedSession({ ...own, ...scanned, mode, limits, events, log }, reader, treatments);
}
