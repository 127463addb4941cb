/**
 * The life of a client's session, from its StartupMessage on (before that: ClientEntrance). Transitions:
 *
 *   connecting     -> authenticating  the server accepted the connection; the StartupMessage is passed on
 *   connecting     -> relaying        the same for a packet only the server can judge: whatever it answers is passed on
 *   authenticating -> connecting      the server refuses it so, but may not with, or without, encryption
 *   authenticating -> relaying        the server's first ReadyForQuery, in a session that is not scanned
 *   authenticating -> scanning        the same, in a session that is
 *   any            -> closing         an end was reached on either side, or an error said
 *   closing        -> closed          both connections are gone
 */
export type SessionPhase = 'connecting' | 'authenticating' | 'relaying' | 'scanning' | 'closing' | 'closed';

const transitions: Readonly<Record<SessionPhase, readonly SessionPhase[]>> = {
  connecting: ['authenticating', 'relaying', 'closing'],
  authenticating: ['connecting', 'relaying', 'scanning', 'closing'],
  relaying: ['closing'],
  scanning: ['closing'],
  closing: ['closed'],
  closed: [],
};

/** The next phase; a transition that is not in the list is a bug. */
export function enterPhase(from: SessionPhase, to: SessionPhase): SessionPhase {
  if (!transitions[from].includes(to)) throw new Error(`a session cannot go from ${from} to ${to}`);
  return to;
}
