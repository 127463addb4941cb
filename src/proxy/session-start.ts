import { type StartupMessage } from '../wire/startup/startup-message';

/** What a session begins with. */
export interface SessionStart {
  /** The StartupMessage as it came. */
  readonly packet: Buffer;
  readonly startup: StartupMessage;
  /** What the client sent behind it. */
  readonly rest: Buffer;
  /** By `performance.now()`: when the client has to be logged in. */
  readonly loginEndsAt: number;
}
