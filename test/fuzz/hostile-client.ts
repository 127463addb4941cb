import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { Random } from '../oracle/random';
import type { Conversation } from './conversation';
import { writeTag, type ServerBehavior } from './hostile-tag';
import { cut, Mutator } from './mutator';
import type { Tally } from './tally';

export interface HostileClientOptions {
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly seed: number;
  readonly conversations: readonly Conversation[];
  /** What it sends is counted there. */
  readonly tally: Tally;
}

/** How long a client waits for an answer before it goes on, if it waits. */
const patienceMs = 4;
/** How long a client that has said all gives the proxy to close; then it is gone. */
const lingerMs = 100;

/** A client of a recorded conversation, number `index` of the seed, that says it wrongly. Resolves when its connection is closed. */
export async function sendHostile(index: number, options: HostileClientOptions): Promise<void> {
  const { port, user, database, seed, conversations, tally } = options;
  const random = new Random(seed, 4, index);
  const behavior = random.pick<ServerBehavior>(['relay', 'relay', 'mutate', 'replay', 'replay']);
  const rate = behavior === 'relay' ? random.pick([0.05, 0.2, 0.6]) : random.pick([0, 0, 0.1]);
  const mutator = new Mutator(random, conversations.flatMap(requestsOf));
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => socket.destroy());
  // Some do not read what they are answered.
  if (random.chance(0.95)) socket.resume();

  const login = encodeStartupMessage({
    majorVersion: 3,
    minorVersion: random.pick([0, 2]),
    parameters: new Map([
      ['user', user],
      ['database', database],
      ['application_name', writeTag({ seed, index, behavior })],
    ]),
  });
  const isLoginRecorded = random.chance(0.1);
  const turns = random.pick(conversations).turns.filter(({ from }) => from === 'frontend');
  const said = isLoginRecorded ? turns : [{ messages: [login] }, ...turns.map(withoutLogin)];
  tally.conversations++;
  for (const [position, { messages }] of said.entries()) {
    if (socket.destroyed) break;
    const mutated = mutator.mutate(messages, position === 0 && !isLoginRecorded ? 0 : rate);
    tally.messages += mutated.messages.length;
    tally.mutated += mutated.mutatedCount;
    for (const chunk of cut(Buffer.concat(mutated.messages), random)) socket.write(chunk);
    if (random.chance(0.5) || position === 0) await answeredOr(socket, patienceMs);
  }
  if (random.chance(0.1)) socket.destroy();
  else socket.end();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  await closed;
  clearTimeout(timer);
}

function requestsOf({ turns }: Conversation): readonly Buffer[] {
  return turns.filter(({ from }) => from === 'frontend').flatMap(({ messages }) => messages);
}

/** The packets before the login's answer have no first byte. */
function withoutLogin({ messages }: { readonly messages: readonly Buffer[] }): {
  readonly messages: readonly Buffer[];
} {
  return { messages: messages.filter((message) => message[0] !== 0) };
}

async function answeredOr(socket: Socket, ms: number): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  socket.once('data', end);
  socket.once('close', end);
  await delay(ms, undefined, { signal: over.signal }).catch(() => undefined);
  socket.off('data', end);
  socket.off('close', end);
}
