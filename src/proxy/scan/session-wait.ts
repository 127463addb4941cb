/**
 * Why the messages of a scanned session's client wait. Transitions:
 *
 *   reading   -> planning   the engine answers later, with a promise
 *   reading   -> asking     the engine needs the context: the server is asked in a hidden exchange. Also while the session
 *                           is idle, if the engine would learn from a run if the context were known
 *   reading   -> holding    the statement was sent rewritten and may have to be run again (rule S12); or the server did not take it
 *   reading   -> making     temporary tables are made in a hidden exchange, ahead of the statement that reads them
 *   making    -> holding    the statement was sent, and behind it what drops the tables
 *   making    -> reading    the tables could not be made: the original was sent. Or the rest of a batch is read first
 *   planning  -> asking, making, holding, reading   the same, decided late; or the statement was simply sent
 *   planning  -> measuring  EXPLAIN (PCACHE, ANALYZE): the restricted form is run unseen, ahead of the client's message
 *   measuring -> reading    the client's message was sent, or answered with an error
 *   asking    -> planning, making, holding, reading
 *   holding   -> reading    the reply was released, or the original was sent after an error; or the tables are gone
 *   holding   -> switching  the reply outgrew its limit: the run is canceled, the original is still to be sent
 *   switching -> reading, holding   the original was sent
 */
export type SessionWait =
  'reading' | 'planning' | 'asking' | 'making' | 'holding' | 'switching' | 'measuring';

const transitions: Readonly<Record<SessionWait, readonly SessionWait[]>> = {
  reading: ['planning', 'asking', 'making', 'holding'],
  planning: ['reading', 'asking', 'making', 'holding', 'measuring'],
  asking: ['reading', 'planning', 'making', 'holding'],
  making: ['reading', 'holding'],
  holding: ['reading', 'switching'],
  switching: ['reading', 'holding'],
  measuring: ['reading'],
};

/** The next state; a transition that is not in the list is a bug. */
export function enterWait(from: SessionWait, to: SessionWait): SessionWait {
  if (!transitions[from].includes(to)) throw new Error(`a session cannot go from ${from} to ${to}`);
  return to;
}

/**
 * Whether the server is running what the client is waiting for, in one form or the other. Otherwise a cancel request has
 * to wait: it would hit nothing, or a hidden message.
 */
export function isCancelable(wait: SessionWait): boolean {
  return wait === 'reading' || wait === 'holding' || wait === 'measuring';
}
