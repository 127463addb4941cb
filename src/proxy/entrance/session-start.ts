import { type ConsoleDoor } from '../console/console-door';
import { type StartupMessage } from '../../wire/startup/startup-message';
import { type Newcomer } from '../session/newcomer';

/** What a session begins with. */
export interface SessionStart {
  /** The packet as it came. */
  readonly packet: Buffer;
  /** Present if the session is to be one of the console; the packet is then made for the log-in. */
  readonly console?: ConsoleDoor | undefined;
  /** Undefined for a packet only the server can judge. */
  readonly startup: StartupMessage | undefined;
  /** What the client sent behind it. */
  readonly rest: Buffer;
  /** By `performance.now()`: when the client has to be logged in. */
  readonly loginEndsAt: number;
  readonly newcomer: Newcomer;
}
