import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { loadParser } from '../../src/query/ast/parser';
import { Random } from '../oracle/random';
import { BareSession } from './bare-session';
import { MessageCutter, type Conversation } from './conversation';
import { cut, Mutator } from './mutator';
import { PretendServer } from './pretend-server';
import { isSpent, Tally, type Budget } from './tally';
import { WhimsicalEngine } from './whimsical-engine';

const candidates = /^\s*(select|with|values)\b/i;

/** A server does not know the option, so that no conversation with one has it. */
const explanations: readonly (readonly Buffer[])[] = [
  [encodeQuery({ query: 'explain (pcache) select 1' })],
  [encodeQuery({ query: 'select 1; explain (pcache, analyze) select 2; explain (pcache off) select 3' })],
  [encodeQuery({ query: 'explain (pcache, analyze, format json) select 1' })],
  [
    encodeParse({
      statementName: 'e',
      query: 'explain (pcache, analyze) select $1',
      parameterTypeOids: [25],
    }),
    encodeBind({
      portalName: 'p',
      statementName: 'e',
      parameterFormats: [],
      parameters: [Buffer.from('x')],
      resultFormats: [],
    }),
    encodeExecute({ portalName: 'p', maxRows: 2 }),
    encodeExecute({ portalName: 'p', maxRows: 0 }),
    encodeSync(),
  ],
];

/**
 * Holds mutated conversations with the scanned part of a session, in this process and without sockets: the client's side
 * mutated, the server's, both or none. Nothing but a protocol violation may come of it, and a session whose server answers
 * everything never keeps its client waiting.
 */
export async function fuzzBareSessions(
  conversations: readonly Conversation[],
  budget: Budget,
): Promise<Tally> {
  await loadParser();
  const tally = new Tally();
  const requests = conversations.map(({ turns }) =>
    turns.filter(({ from }) => from === 'frontend').flatMap(({ messages }) => messages.filter(isTyped)),
  );
  const replies = conversations.flatMap(({ turns }) =>
    turns.filter(({ from }) => from === 'backend').flatMap(({ messages }) => messages),
  );
  for (let i = 0; !isSpent(budget, tally); i++) {
    await holdConversation(new Random(budget.seed, 2, i), requests, replies, tally, `conversation ${i}`);
    // Promises that were made on the way are done before the next begins.
    if (i % 50 === 0) await immediate();
  }
  return tally;
}

/** The packets a connection begins with have no first byte, and a length below 16 MB instead. */
function isTyped(message: Buffer): boolean {
  return message[0] !== 0;
}

/** One conversation, chosen and spoilt by chance. */
export async function holdConversation(
  random: Random,
  requests: readonly (readonly Buffer[])[],
  replies: readonly Buffer[],
  tally: Tally,
  title: string,
): Promise<void> {
  const clientRate = random.pick([0, 0.02, 0.2, 0.6]);
  const serverRate = clientRate === 0 ? random.pick([0.02, 0.2]) : random.pick([0, 0, 0.02, 0.2]);
  const session = new BareSession(new WhimsicalEngine(random, candidates), {
    maxInspectedBytes: random.pick([30, 200, 1_048_576, 1_048_576]),
    maxHeldBytes: random.pick([0, 60, 1_048_576]),
  });
  const server = new PretendServer(random);
  const cutter = new MessageCutter('backend');
  const servers = new Mutator(random, replies);

  const said = random
    .times(random.int(1, 4), () => random.pick(random.chance(0.15) ? explanations : requests))
    .flat();
  const mutated = new Mutator(random, requests.flat()).mutate(said, clientRate);
  const fromClient = cut(Buffer.concat(mutated.messages), random);
  const fromServer: Buffer[] = [];
  tally.conversations++;
  tally.messages += mutated.messages.length;
  tally.mutated += mutated.mutatedCount;

  let idleTurns = 0;
  while (session.end === undefined && idleTurns < 4) {
    for (const message of cutter.feed(session.takeSent())) {
      const answer = servers.mutate(server.answer(message), serverRate);
      tally.messages += answer.messages.length;
      tally.mutated += answer.mutatedCount;
      fromServer.push(...cut(Buffer.concat(answer.messages), random));
    }
    const isClientFree = !session.isHeld && fromClient.length > 0;
    if (isClientFree && (fromServer.length === 0 || random.chance(0.5)))
      session.fromClient(fromClient.shift() ?? Buffer.alloc(0));
    else if (fromServer.length > 0) session.fromServer(fromServer.shift() ?? Buffer.alloc(0));
    else {
      // Plans that come late, cancel requests.
      idleTurns++;
      await immediate();
      continue;
    }
    idleTurns = 0;
  }
  session.close();
  if (session.fault !== undefined) tally.fault(`${title}: ${describe(session.fault)}`);
  // A frame that is too long to ever end is waited for.
  else if (session.end === undefined && session.isHeld && serverRate === 0 && cutter.rest().length === 0)
    tally.fault(`${title}: the client is held, though the server owes nothing`);
  else tally.count(session.end ?? 'held through');
  const { statements, asks, scanningGivenUpCount } = session.events;
  for (const { plan, outcome } of statements) tally.count(`${plan} ${outcome}`);
  for (const ask of asks) tally.count(`question ${ask}`);
  if (scanningGivenUpCount > 0) tally.count('scanning given up');
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
