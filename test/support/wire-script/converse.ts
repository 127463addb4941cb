import { createHash } from 'node:crypto';
import { encodeTerminate } from '../../../src/wire/frontend/terminate';
import { cancelRequestCode } from '../../../src/wire/startup/cancel-request';
import { WireClient, type WireMessage } from '../wire-client';
import { describeReply, replyCode, type Detail } from './backend-line';
import { Challenge } from './challenge';
import { encodeLine, isStartupLine } from './frontend-line';
import type { ScriptStep } from './script';

export interface ConverseOptions {
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Sends every byte by itself. */
  readonly isDribbled?: boolean;
}

/** What was answered to each step, and what came in the end although nobody waited for it. */
export interface Conversation {
  readonly answers: readonly (readonly WireMessage[])[];
  readonly leftOver: readonly WireMessage[];
  readonly sentBytes: number;
}

/** Holds a conversation. Each session is opened when it is first spoken in, and ended with Terminate. */
export async function converse(
  steps: readonly ScriptStep[],
  options: ConverseOptions,
): Promise<Conversation> {
  const { port, user, database } = options;
  const clients = new Map<string, WireClient>();
  const keys = new Map<string, Buffer>();
  const challenges = new Map<string, Challenge>();
  const cancelRequest = (session: string): Buffer => {
    const key = keys.get(session);
    if (key === undefined) throw new Error(`no key is known of session ${session}`);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + key.length, 0);
    head.writeUInt32BE(cancelRequestCode, 4);
    return Buffer.concat([head, key]);
  };
  const clientOf = async ({ session, send }: ScriptStep): Promise<WireClient> => {
    const known = clients.get(session);
    if (known !== undefined) return known;
    if (isStartupLine(send[0])) {
      const opened = await WireClient.open(port);
      clients.set(session, opened);
      return opened;
    }
    const client = await WireClient.login(port, { user, database });
    clients.set(session, client);
    keys.set(session, client.keyData);
    return client;
  };

  try {
    const answers: WireMessage[][] = [];
    let sentBytes = 0;
    for (const step of steps) {
      const client = await clientOf(step);
      const challenge = challenges.get(step.session) ?? new Challenge();
      challenges.set(step.session, challenge);
      const bytes = Buffer.concat(step.send.map((line) => encodeLine(line, { cancelRequest, challenge })));
      sentBytes += bytes.length;
      if (options.isDribbled === true) await client.dribble(bytes);
      else if (bytes.length > 0) client.send(bytes);
      const answer = await answerOf(client, step);
      challenge.note(answer);
      const key = answer.find(({ type }) => type === 'K');
      if (key !== undefined) keys.set(step.session, Buffer.from(key.body));
      answers.push(answer);
    }
    const leftOver: WireMessage[] = [];
    for (const client of clients.values()) {
      if (!client.isClosed) client.socket.end(encodeTerminate());
      leftOver.push(...(await client.untilClosed()));
    }
    return { answers, leftOver, sentBytes };
  } finally {
    for (const client of clients.values()) client.close();
  }
}

async function answerOf(client: WireClient, { until, count }: ScriptStep): Promise<WireMessage[]> {
  if (until === 'byte') return [{ type: 'byte', body: await client.byte() }];
  if (until !== 'closed') return client.until(replyCode(until), count);
  const messages = await client.untilClosed();
  const { unframed } = client;
  return unframed.length === 0 ? messages : [...messages, { type: 'unframed', body: unframed }];
}

/** A line for each message. */
export function describeAnswer(messages: readonly WireMessage[], detail: Detail): string[] {
  return messages.map((message) =>
    message.type === 'byte' || message.type === 'unframed'
      ? `${message.type} ${JSON.stringify(message.body.toString('latin1'))}`
      : describeReply(message, detail),
  );
}

const longestAnswer = 60;
const shownOfLong = 12;

/** What of a long answer is written down: its beginning, its end, and a hash of all of it. */
export function shorten(lines: readonly string[]): readonly string[] {
  if (lines.length <= longestAnswer) return lines;
  const sha256 = createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16);
  const hidden = lines.length - 2 * shownOfLong;
  return [
    ...lines.slice(0, shownOfLong),
    `(${hidden} more; sha256 of all ${sha256})`,
    ...lines.slice(-shownOfLong),
  ];
}
