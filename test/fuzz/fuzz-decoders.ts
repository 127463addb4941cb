import { PgError } from '../../src/errors/pg-error';
import { ChannelBinding } from '../../src/proxy/login/channel-binding';
import { commandEffect } from '../../src/proxy/scan/command-tag';
import { retryableError } from '../../src/proxy/hidden/held-run';
import { findRetryableBatch } from '../../src/proxy/hidden/retryable-batch';
import { decodeAuthentication } from '../../src/wire/backend/authentication';
import { decodeBackendKeyData } from '../../src/wire/backend/backend-key-data';
import { decodeCommandComplete } from '../../src/wire/backend/command-complete';
import { decodeDataRow } from '../../src/wire/backend/data-row';
import { decodeNotificationResponse } from '../../src/wire/backend/notification-response';
import { decodeParameterDescription } from '../../src/wire/backend/parameter-description';
import { decodeParameterStatus } from '../../src/wire/backend/parameter-status';
import { decodeReadyForQuery } from '../../src/wire/backend/ready-for-query';
import { decodeResponseFields } from '../../src/wire/backend/response-fields';
import { movePosition } from '../../src/wire/backend/response-position';
import { decodeRowDescription } from '../../src/wire/backend/row-description';
import { FrameReader, FrameStep } from '../../src/wire/frame-reader';
import { backendTreatments, frontendTreatments } from '../../src/wire/frame-treatments';
import { decodeBind, decodeBindNames, renameBindStatement } from '../../src/wire/frontend/bind';
import { decodeClose } from '../../src/wire/frontend/close';
import { decodeDescribe } from '../../src/wire/frontend/describe';
import { decodeExecute } from '../../src/wire/frontend/execute';
import { decodeParse } from '../../src/wire/frontend/parse';
import { decodeQuery } from '../../src/wire/frontend/query';
import { StartupPacketReader } from '../../src/wire/startup/startup-packet-reader';
import { Random } from '../oracle/random';
import type { Conversation, Turn } from './conversation';
import { cut, Mutator } from './mutator';
import { isSpent, Tally, type Budget } from './tally';

type Reading = (frame: Buffer, start: number, end: number) => unknown;

const body =
  (decode: (buffer: Buffer, start: number, end: number) => unknown): Reading =>
  (frame, start, end) =>
    decode(frame, start + 5, end);

/** A message is given to so many of them. */
const readingsEach = 3;

/** Everything that reads the bytes of one frame. */
const readings: Readonly<Record<Turn['from'], readonly Reading[]>> = {
  frontend: [
    body(decodeBind),
    body(decodeBindNames),
    body(decodeClose),
    body(decodeDescribe),
    body(decodeExecute),
    body(decodeParse),
    body(decodeQuery),
    (frame, start, end) => renameBindStatement(frame.subarray(start, end), 'another name'),
    (frame, start) => findRetryableBatch(frame, start, ''),
  ],
  backend: [
    body(decodeAuthentication),
    body(decodeBackendKeyData),
    body(decodeCommandComplete),
    body(decodeDataRow),
    body(decodeNotificationResponse),
    body(decodeParameterDescription),
    body(decodeParameterStatus),
    body(decodeReadyForQuery),
    body((frame, start, end) => decodeResponseFields('ErrorResponse', frame, start, end)),
    body(decodeRowDescription),
    commandEffect,
    (frame, start, end) => movePosition('ErrorResponse', frame, start, end, (position) => position + 1),
    retryableError,
    (frame, start, end) => new ChannelBinding(false, true).replace(frame[start] ?? 0, frame, start, end),
    (frame, start, end) => new ChannelBinding(true, true).replace(frame[start] ?? 0, frame, start, end),
  ],
};

/**
 * Gives mutated messages to the frame reader and to every decoder, in this process: each gives a value or PgError 08P01, and
 * the bytes that went in come out, in order and once.
 */
export function fuzzDecoders(conversations: readonly Conversation[], budget: Budget): Tally {
  const tally = new Tally();
  const random = new Random(budget.seed, 1);
  const streams = conversations.flatMap(({ turns }) =>
    (['frontend', 'backend'] as const).map((from) => ({
      from,
      messages: turns.filter((turn) => turn.from === from).flatMap(({ messages }) => messages),
    })),
  );
  const mutator = new Mutator(
    random,
    streams.flatMap(({ messages }) => messages),
  );
  while (!isSpent(budget, tally)) {
    const { from, messages } = random.pick(streams);
    const mutated = mutator.mutate(messages, random.pick([0.1, 0.5, 1]));
    tally.conversations++;
    tally.messages += mutated.messages.length;
    tally.mutated += mutated.mutatedCount;
    const bytes = Buffer.concat(mutated.messages);
    guard(tally, bytes, () => frame(from, bytes, random, tally));
    for (const message of mutated.messages) {
      if (message.length < 5) continue;
      const all = readings[from];
      const first = random.int(0, all.length - 1);
      for (let i = 0; i < readingsEach; i++) {
        const read = all[(first + i) % all.length];
        guard(tally, message, () => void read?.(message, 0, message.length));
      }
    }
    if (from === 'frontend') guard(tally, bytes, () => startup(bytes, random));
  }
  return tally;
}

function frame(from: Turn['from'], bytes: Buffer, random: Random, tally: Tally): void {
  const treatments = from === 'frontend' ? frontendTreatments() : backendTreatments();
  const reader = new FrameReader(treatments, random.pick([16, 100, 1_048_576]), from);
  const out: Buffer[] = [];
  let thrown: unknown;
  const chunks = cut(bytes, random);
  try {
    for (const chunk of chunks) {
      reader.feed(chunk);
      while (reader.next() !== FrameStep.None)
        out.push(Buffer.from(reader.buffer.subarray(reader.start, reader.end)));
    }
  } catch (error) {
    thrown = error;
  }
  const rest = thrown === undefined ? reader.takeRest() : Buffer.alloc(0);
  const passed = Buffer.concat([...out, rest]);
  const expected = thrown === undefined ? bytes : bytes.subarray(0, passed.length);
  if (!passed.equals(expected)) tally.fault(`the frame reader changed ${bytes.toString('hex')}`);
  if (thrown !== undefined) throw thrown as Error;
}

function startup(bytes: Buffer, random: Random): void {
  const reader = new StartupPacketReader();
  for (const chunk of cut(bytes, random)) {
    reader.feed(chunk);
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
      // Typed messages begin behind a packet of these kinds.
      if (packet.request.kind === 'StartupMessage' || packet.request.kind === 'UnknownRequest') return;
    }
  }
}

function guard(tally: Tally, bytes: Buffer, action: () => void): void {
  try {
    action();
    tally.count('value');
  } catch (error) {
    if (error instanceof PgError && error.sqlState === '08P01') tally.count('08P01');
    else tally.fault(`${String(error)} for ${bytes.toString('hex').slice(0, 2_000)}`);
  }
}
