import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { doneWithChunk, PlainSocket } from '../../../src/postgres/plain-socket';
import { poisonedReads, poisonReads } from '../../support/poisoned-reads';
import { temporaryDirectory } from '../../support/temporary-directory';

poisonReads();

/** Two connected sockets, both PlainSockets: what one of them writes, the other reads. */
async function pair(path?: string): Promise<{ opened: PlainSocket; adopted: Socket } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const target = path === undefined ? { port: (server.address() as AddressInfo).port } : { path };
  const opened = PlainSocket.open({ ...target, allowHalfOpen: true });
  const both = { opened, adopted: await accepted.then(([socket]) => PlainSocket.adopt(socket)) };
  server.close();
  if (opened.connecting) await once(opened, 'connect');
  return {
    ...both,
    [Symbol.asyncDispose]: async () => {
      const closed = [both.opened, both.adopted]
        .filter((each) => !each.closed)
        .map((each) => once(each, 'close'));
      both.opened.destroy();
      both.adopted.destroy();
      await Promise.all(closed);
    },
  };
}

function numbered(bytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
}

/** Collects what comes until the end; every `keepEach`th chunk is kept as it is, of others a copy is made. */
async function receive(socket: Socket, keepEach: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => {
    if (chunks.length % keepEach === 0) {
      chunks.push(chunk);
      return;
    }
    chunks.push(Buffer.from(chunk));
    doneWithChunk(socket);
  });
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

describe.each(['opened', 'adopted'] as const)('a socket that was %s', (reader) => {
  const writer = reader === 'opened' ? 'adopted' : 'opened';

  test('hands out what was sent, whatever its listener keeps', async () => {
    const before = poisonedReads();
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(20_000), fc.nat(200_000)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 5 }), async (writes, keepEach) => {
        await using sockets = await pair();
        const received = receive(sockets[reader], keepEach);
        const sent = writes.map(numbered);
        for (const bytes of sent) {
          sockets[writer].write(bytes);
          await new Promise((resolve) => setImmediate(resolve));
        }
        sockets[writer].end();
        expect((await received).equals(Buffer.concat(sent))).toBe(true);
      }),
      { numRuns: 60 },
    );
    expect(poisonedReads()).toBeGreaterThan(before);
  });

  test('keeps a chunk for a listener that does not say it is done', async () => {
    await using sockets = await pair();
    const chunks: Buffer[] = [];
    sockets[reader].on('data', (chunk) => {
      chunks.push(chunk);
      sockets[writer].emit('answered');
    });
    for (const text of ['first', 'second', 'third']) {
      const answered = once(sockets[writer], 'answered');
      sockets[writer].write(text);
      await answered;
    }
    expect(chunks.map(String)).toEqual(['first', 'second', 'third']);
  });

  test('reads nothing while it is paused, and all of it afterwards', async () => {
    await using sockets = await pair();
    const socket = sockets[reader];
    const received = receive(socket, 2);
    socket.pause();
    const sent = numbered(1_000_000);
    sockets[writer].end(sent);
    await new Promise((resolve) => setImmediate(resolve));
    expect(socket.bytesRead).toBe(0);
    socket.resume();
    expect((await received).equals(sent)).toBe(true);
  });

  test('can still write when the other side has ended', async () => {
    await using sockets = await pair();
    const answer = receive(sockets[writer], 1);
    const received = receive(sockets[reader], 1);
    sockets[writer].end('question');
    expect(String(await received)).toBe('question');
    sockets[reader].end('answer');
    expect(String(await answer)).toBe('answer');
  });
});

test('adopts connections to unix sockets', async () => {
  await using directory = await temporaryDirectory('plain-socket');
  await using sockets = await pair(join(directory.path, 'socket'));
  expect(sockets.adopted).toBeInstanceOf(PlainSocket);
  const received = receive(sockets.adopted, 1);
  sockets.opened.end('hello');
  expect(String(await received)).toBe('hello');
});

test('an adopted connection knows its ends, and the server does not wait for it twice', async () => {
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true });
  server.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const opened = PlainSocket.open({ port, host: '127.0.0.1' });
  const adopted = await accepted.then(([socket]) => PlainSocket.adopt(socket));
  expect(adopted).toBeInstanceOf(PlainSocket);
  expect([adopted.remoteFamily, adopted.localPort]).toEqual(['IPv4', port]);
  const closed = once(server, 'close');
  server.close();
  await closed;
  const ends = [once(opened, 'close'), once(adopted, 'close')];
  opened.destroy();
  adopted.on('data', () => undefined);
  adopted.end();
  await Promise.all(ends);
});

test('a socket without a handle of the known name is used as it is', () => {
  const strange = new (class {
    readonly isStrange = true;
  })() as unknown as Socket;
  expect(PlainSocket.adopt(strange)).toBe(strange);
});
