import { Random } from '../oracle/random';
import { startProxy } from '../support/recorded-proxy';
import { until } from '../support/until';
import { scriptDatabase } from '../support/wire-script/script-server';
import type { Conversation } from './conversation';
import { sendHostile } from './hostile-client';
import { HostileServer } from './hostile-server';
import { isSpent, Tally, type Budget } from './tally';
import { WhimsicalEngine } from './whimsical-engine';

/** Hostile conversations at the same time. */
const concurrency = 8;
const candidates = /^\s*(select|with|values)\b.*\bplace\b|generate_series/is;

/**
 * Hostile clients and a hostile server around a proxy in this process: no exception but a protocol violation ends a session, and
 * every session ends when its peers are gone.
 */
export async function fuzzListener(
  conversations: readonly Conversation[],
  server: { readonly port: number; readonly user: string },
  budget: Budget,
): Promise<Tally> {
  const tally = new Tally();
  await using hostile = await HostileServer.start(server.port, conversations, tally);
  const engine = new WhimsicalEngine(new Random(budget.seed, 3), candidates);
  await using proxy = await startProxy(
    hostile.port,
    { [scriptDatabase]: engine },
    { limits: { maxHeldBytes: 2_000, maxInspectedBytes: 20_000 } },
  );
  const options = {
    ...{ port: proxy.port, user: server.user, database: scriptDatabase },
    ...{ seed: budget.seed, conversations, tally },
  };
  await sendAll(budget, tally, (index) => sendHostile(index, options));
  // A client that is gone while it is kept waiting is noticed when its server has answered, or is gone too.
  hostile.cutOff();
  await until('all sessions have ended', () => proxy.listener.sessionCount === 0).catch(() => {
    tally.fault(`${proxy.listener.sessionCount} sessions have not ended though both peers are gone`);
  });
  for (const complaint of proxy.complaints) {
    if (/internal error|engine failed/.test(complaint)) tally.fault(complaint);
  }
  const { statements, asks, ends, scanningGivenUpCount } = proxy.events;
  for (const { plan, outcome } of statements) tally.count(`${plan} ${outcome}`);
  for (const ask of asks) tally.count(`question ${ask}`);
  for (const end of ends) tally.count(`ended by ${end}`);
  if (scanningGivenUpCount > 0) tally.outcomes.set('scanning given up', scanningGivenUpCount);
  return tally;
}

/** Sends one hostile conversation after the other, several at a time, until the budget is spent. */
export async function sendAll(
  budget: Budget,
  tally: Tally,
  send: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (!isSpent(budget, tally)) await send(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
