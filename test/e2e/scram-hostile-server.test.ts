import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { AuthenticationCode, encodeAuthentication } from '../../src/wire/backend/authentication';
import { encodeMessage } from '../../src/wire/message-writer';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { errorField, WireClient } from '../support/wire-client';

const key = `${'A'.repeat(43)}=`;
const source = { find: () => Promise.resolve(`SCRAM-SHA-256$4096:c2FsdA==$${key}:${key}`) };

/** What this server says, turn by turn; each answers one message of the client. */
type Turn = (received: string) => Buffer;

const say =
  (code: number, text: string): Turn =>
  () =>
    encodeAuthentication({ code, data: Buffer.from(text, 'latin1') });
const offer = say(AuthenticationCode.SASL, 'SCRAM-SHA-256\0\0');
const challenge: Turn = (received) => {
  const nonce = /r=(.*)/.exec(received)?.[1] ?? '';
  const text = `r=${nonce}server,s=c2FsdA==,i=4096`;
  return encodeAuthentication({ code: AuthenticationCode.SASLContinue, data: Buffer.from(text) });
};
const initial = encodeMessage(
  0x70,
  Buffer.from('SCRAM-SHA-256\0'),
  Buffer.from([0, 0, 0, 14]),
  Buffer.from('n,,n=,r=abcdef'),
);

/** No real server does these things; whoever sits between the proxy and the server may. */
describe('auth.mode verify and a server that does not keep to SCRAM', () => {
  let turns: Turn[] = [];
  let server: Server;
  let proxy: RecordedProxy;

  beforeAll(async () => {
    server = createServer((socket: Socket) => {
      const left = [...turns];
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        const turn = left.shift();
        if (turn !== undefined) socket.write(turn(chunk.toString('latin1')));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    proxy = await startProxy(port, {}, { verifiers: source });
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    server?.close();
  });

  async function logIn(...said: Turn[]): Promise<WireClient> {
    turns = said;
    const client = await WireClient.open(proxy.port);
    client.send(
      encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters: new Map([['user', 'a']]) }),
    );
    return client;
  }

  test.each([
    ['lets the client in without asking for the proof', [offer, say(AuthenticationCode.Ok, '')]],
    ['asks for a password after all', [offer, say(AuthenticationCode.CleartextPassword, '')]],
    ['offers twice', [offer, offer]],
    ['signs before there is a proof', [offer, say(AuthenticationCode.SASLFinal, `v=${key}`)]],
    ['repeats another nonce', [offer, say(AuthenticationCode.SASLContinue, 'r=other,s=c2FsdA==,i=1')]],
    ['sends rubbish for a challenge', [offer, say(AuthenticationCode.SASLContinue, '\0\xff,,')]],
    [
      'sends two challenges',
      [offer, ((text) => Buffer.concat([challenge(text), challenge(text)])) satisfies Turn],
    ],
  ] as const)('%s: the client is told, and is not let in', async (_title, said) => {
    const client = await logIn(...said);
    const messages = await client.untilClosed();
    expect(messages.map(({ type }) => type)).toEqual(['R', 'E']);
    expect(messages[0]?.body.toString('latin1', 4)).toBe('SCRAM-SHA-256\0\0');
    expect(errorField(messages[1], 'C')).toBe('08P01');
    expect(errorField(messages[1], 'M')).toBe('the server broke the protocol');
  });

  /** A proof no verifier fits gets a random one sent; whatever but a refusal comes of that is a lie. */
  test.each([
    ['signs what it cannot have verified', say(AuthenticationCode.SASLFinal, `v=${key}`)],
    ['lets in whom the proxy did not verify', say(AuthenticationCode.Ok, '')],
  ])('%s', async (_title, lie) => {
    const client = await logIn(offer, challenge, lie);
    await client.until('R');
    client.send(initial);
    const messages = await client.until('R');
    const nonce = /r=([^,]*)/.exec(messages[0]?.body.toString('latin1') ?? '')?.[1] ?? '';
    client.send(encodeMessage(0x70, Buffer.from(`c=biws,r=${nonce},p=${key}`)));
    const [error] = await client.untilClosed();
    expect(errorField(error, 'C')).toBe('08P01');
  });

  test.each([
    ['OAUTHBEARER', offerOf('OAUTHBEARER')],
    ['GSSAPI', say(AuthenticationCode.GSS, '')],
    ['SSPI', say(AuthenticationCode.SSPI, '')],
    ['MD5', say(AuthenticationCode.MD5Password, 'salt')],
    ['a password', say(AuthenticationCode.CleartextPassword, '')],
  ])('relays: %s', async (_title, asked) => {
    let answered = '';
    const client = await logIn(asked, (received) => {
      answered = received;
      return encodeAuthentication({ code: AuthenticationCode.Ok, data: Buffer.alloc(0) });
    });
    const [first] = await client.until('R');
    expect(encodeMessage(0x52, first?.body ?? Buffer.alloc(0))).toEqual(asked(''));
    client.send(encodeMessage(0x70, Buffer.from('anything\0')));
    const [second] = await client.until('R');
    expect(second?.body.readInt32BE(0)).toBe(0);
    expect(answered).toBe('p\0\0\0\x0danything\0');
    client.close();
  });

  function offerOf(mechanism: string): Turn {
    return say(AuthenticationCode.SASL, `${mechanism}\0\0`);
  }
});
