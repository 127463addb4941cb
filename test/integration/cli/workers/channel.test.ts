import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Channel, callName } from '../../../../src/cli/workers/channel';
import { CacheUnavailableError } from '../../../../src/errors/cache-unavailable-error';
import { DatatypeMismatchError } from '../../../../src/errors/datatype-mismatch-error';
import { KeyOutOfRangeError } from '../../../../src/errors/key-out-of-range-error';
import { PgError } from '../../../../src/errors/pg-error';
import { QueueUnavailableError } from '../../../../src/errors/queue-unavailable-error';
import {
  askBack,
  asked,
  counted,
  countUp,
  echo,
  fail,
  hang,
  hearNow,
  socketGiven,
  unheard,
} from '../../../support/workers/channel-names';
import { Forked } from '../../../support/workers/forked';

describe('a channel to another process', () => {
  let forked: Forked;
  let channel: Channel;
  beforeAll(() => {
    forked = new Forked('channel-process');
    channel = new Channel(forked.child);
  });
  afterAll(async () => {
    await forked[Symbol.asyncDispose]();
    channel[Symbol.dispose]();
  });

  const failure = (name: string): Promise<unknown> =>
    channel.call(fail, name).catch((error: unknown) => error);

  test('carries what there is to carry', async () => {
    const value = {
      bytes: Buffer.from([0, 255, 1]),
      large: -(2n ** 63n),
      map: new Map([['a', new Set([1])]]),
      nothing: undefined,
      nan: NaN,
      text: 'Ω \0 \ud83d\ude00',
    };
    expect(await channel.call(echo, value)).toEqual(value);
    expect(await channel.call(echo, undefined)).toBeUndefined();
  });

  test('carries megabytes, and keeps many calls apart', async () => {
    const large = Buffer.alloc(8 * 1024 * 1024, 7);
    expect(large.equals((await channel.call(echo, large)) as Buffer)).toBe(true);
    const calls = Array.from({ length: 1_000 }, (_, i) => channel.call(echo, i));
    expect(await Promise.all(calls)).toEqual(calls.map((_, i) => i));
  });

  test('carries errors as what they are', async () => {
    expect(await failure('CacheUnavailableError')).toBeInstanceOf(CacheUnavailableError);
    expect(await failure('CacheUnavailableError')).toMatchObject({
      message: 'memory: it is closed',
      cause: { message: 'the reason' },
    });
    expect(await failure('DatatypeMismatchError')).toBeInstanceOf(DatatypeMismatchError);
    expect(await failure('KeyOutOfRangeError')).toBeInstanceOf(KeyOutOfRangeError);
    expect(await failure('KeyOutOfRangeError')).toMatchObject({
      partitionKey: 'region',
      key: 2n ** 63n - 1n,
    });
    expect(await failure('QueueUnavailableError')).toBeInstanceOf(QueueUnavailableError);
    expect(await failure('PgError')).toBeInstanceOf(PgError);
    expect(await failure('PgError')).toMatchObject({
      sqlState: '42501',
      severity: 'ERROR',
      message: 'no',
      options: { detail: 'None.' },
    });
    expect(await failure('unknown')).toMatchObject({ name: 'Error', message: 'of no class we know' });
    expect(await failure('text')).toMatchObject({ message: 'thrown as it is' });
  });

  test('tells in order, and before what is answered after it', async () => {
    const heard: number[] = [];
    channel.hear(counted, (number) => heard.push(number));
    expect(await channel.call(countUp, 100)).toBe(100);
    expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  test('asks both ways', async () => {
    channel.answer(asked, async (text) => `${text}, answered`);
    expect(await channel.call(askBack, 'a question')).toBe('a question, answered');
  });

  test('keeps what nobody hears yet', async () => {
    channel.tell(unheard, 'first');
    channel.tell(unheard, 'second');
    expect(await channel.call(hearNow)).toEqual(['first', 'second']);
  });

  test('rejects what cannot be sent, and goes on', async () => {
    await expect(channel.call(echo, () => 1)).rejects.toThrow(/could not be cloned/);
    expect(await channel.call(echo, 1)).toBe(1);
  });

  test('hands a socket over', async () => {
    await using server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    server.on('connection', (socket) => channel.tell(socketGiven, 'from the other process', socket));
    await once(server, 'listening');
    expect(await text(connect((server.address() as AddressInfo).port, '127.0.0.1'))).toBe(
      'from the other process',
    );
  });

  test('rejects what is not answered when the other process dies, and all that is asked later', async () => {
    const dying = new Forked('channel-process');
    using toIt = new Channel(dying.child);
    expect(await toIt.call(echo, 1)).toBe(1);
    const unanswered = toIt.call(hang).catch((error: unknown) => error);
    const unknown = toIt.call(callName<undefined, undefined>('nobody answers this')).catch((e: unknown) => e);
    await dying.kill();
    await toIt.whenClosed;
    expect(await unanswered).toMatchObject({ name: 'ChannelClosedError' });
    expect(await unknown).toMatchObject({ name: 'ChannelClosedError' });
    await expect(toIt.call(echo, 1)).rejects.toMatchObject({ name: 'ChannelClosedError' });
    toIt.tell(counted, 1);
  });

  test('closed at one end is closed at the other', async () => {
    await using other = new Forked('channel-process');
    const toIt = new Channel(other.child);
    const exited = once(other.child, 'exit');
    const unanswered = toIt.call(hang).catch((error: unknown) => error);
    toIt[Symbol.dispose]();
    expect(await unanswered).toMatchObject({ name: 'ChannelClosedError' });
    expect(await exited).toEqual([0, null]);
  });
});
