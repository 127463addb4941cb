import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { converse } from '../support/wire-script/converse';
import { readScript, scriptNames } from '../support/wire-script/scripts-directory';
import { asksForEncryption, MessageCutter, type Conversation, type Turn } from './conversation';

/** Where the scripts are held, and as whom. */
export interface RecordingOptions {
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** Longer conversations would be most of what is sent. */
const mostBytes = 30_000;

/**
 * Holds the wire scripts with a real server and writes down what went over each connection. Those that cannot be held with
 * it (it may be set up differently than the scripts expect) are left out.
 */
export async function recordConversations({
  port,
  user,
  database,
}: RecordingOptions): Promise<Conversation[]> {
  const conversations: Conversation[] = [];
  let name = '';
  const relay = createServer((client) => void conversations.push(recordConnection(name, client, port)));
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const address = relay.address() as AddressInfo;
  for (name of scriptNames()) {
    await converse(readScript(name).steps, { port: address.port, user, database });
  }
  await new Promise((resolve) => relay.close(resolve));
  return conversations.filter(({ turns }) => {
    const bytes = turns.flatMap(({ messages }) => messages).reduce((sum, { length }) => sum + length, 0);
    return bytes > 0 && bytes <= mostBytes;
  });
}

/** Passes everything on in both directions; the conversation grows while it does. */
function recordConnection(name: string, client: Socket, port: number): Conversation {
  const turns: { from: Turn['from']; messages: Buffer[] }[] = [];
  const server = connect(port, '127.0.0.1');
  const cutters = { frontend: new MessageCutter('frontend'), backend: new MessageCutter('backend') };
  const add = (from: Turn['from'], messages: readonly Buffer[]): void => {
    if (messages.length === 0) return;
    if (from === 'frontend') {
      for (const message of messages) if (asksForEncryption(message)) cutters.backend.expectByte();
    }
    const last = turns.at(-1);
    if (last?.from === from) last.messages.push(...messages);
    else turns.push({ from, messages: [...messages] });
  };
  for (const [from, socket, other] of [
    ['frontend', client, server],
    ['backend', server, client],
  ] as const) {
    socket.on('data', (chunk: Buffer) => {
      add(from, cutters[from].feed(chunk));
      other.write(chunk);
    });
    socket.on('end', () => other.end());
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      add(from, cutters[from].rest());
      other.destroy();
    });
  }
  return { name, turns };
}
