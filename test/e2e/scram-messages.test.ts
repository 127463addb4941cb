import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Client } from 'pg';
import { openPool, type ControlPool } from '../../src/postgres/control-pool';
import { loadServerTls } from '../../src/postgres/server-tls';
import { VerifierQuery } from '../../src/postgres/verifier-query';
import { ClientTls } from '../../src/proxy/entrance/client-tls';
import { encodeMessage } from '../../src/wire/message-writer';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { makeCertificate, serverTlsSettings } from '../support/certificates';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory';
import { describeMessage, WireClient, type WireMessage } from '../support/wire-client';

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What a client sends while it logs in: bytes, or what it makes of the server's last message. */
type Step = Buffer | ((challenge: string) => Buffer);

interface Conversation {
  readonly user?: string;
  readonly isEncrypted?: boolean;
  readonly steps: readonly Step[];
}

const message = (body: Buffer | string): Buffer => encodeMessage(0x70, Buffer.from(body));

function initial(mechanism: string, text: string | null, length = text?.length ?? -1): Buffer {
  const field = Buffer.alloc(4);
  field.writeInt32BE(length);
  return encodeMessage(0x70, Buffer.from(`${mechanism}\0`), field, Buffer.from(text ?? '', 'latin1'));
}

const plain = (text: string): Buffer => initial('SCRAM-SHA-256', text);
const plus = (text: string): Buffer => initial('SCRAM-SHA-256-PLUS', text);
const good = plain('n,,n=,r=abcdef');
const nonceOf = (challenge: string): string => /r=([^,]*)/.exec(challenge)?.[1] ?? '';
const final =
  (make: (nonce: string) => string): Step =>
  (challenge) =>
    message(make(nonceOf(challenge)));
const zeroProof = Buffer.alloc(32).toString('base64');

/** The proof of a password, as a client computes it. */
function prove(password: string, bare: string, challenge: string, withoutProof: string): string {
  const [, salt = '', iterations = ''] = /s=([^,]*),i=(\d+)/.exec(challenge) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text, 'latin1').digest();
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash('sha256').update(clientKey).digest();
  const signature = hmac(storedKey, `${bare},${challenge},${withoutProof}`);
  return Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))).toString('base64');
}

function proved(extension = '', more = ''): Step {
  return (challenge) => {
    const withoutProof = `c=biws,r=${nonceOf(challenge)}${extension}`;
    return message(`${withoutProof},p=${prove('secret', 'n=,r=abcdef', challenge, withoutProof)}${more}`);
  };
}

const conversations: Readonly<Record<string, Conversation>> = {
  'the right password': { steps: [good, proved()] },
  'the right password, in a first message of its own': {
    steps: [initial('SCRAM-SHA-256', null), message('n,,n=,r=abcdef'), proved()],
  },
  'the right password, with extensions': {
    steps: [good, proved(',x=1,y=2')],
  },
  'extensions in the first message': { steps: [plain('n,,n=,r=abcdef,x=1'), final(() => 'c=biws')] },
  'a proof of nothing': { steps: [good, final((nonce) => `c=biws,r=${nonce},p=${zeroProof}`)] },
  'an unknown role': { user: 'nobody', steps: [good, proved()] },
  'an unknown mechanism': { steps: [initial('SCRAM-SHA-1', 'n,,n=,r=abc')] },
  'no mechanism': { steps: [message('')] },
  'a mechanism that does not end': { steps: [message('SCRAM-SHA-256')] },
  'no length': { steps: [message('SCRAM-SHA-256\0')] },
  'a length beyond the end': { steps: [initial('SCRAM-SHA-256', 'n,,n=,r=abc', 100)] },
  'a negative length': { steps: [initial('SCRAM-SHA-256', 'n,,n=,r=abc', -2)] },
  'a length that leaves something over': { steps: [initial('SCRAM-SHA-256', 'n,,n=,r=abc', 3)] },
  'no message, and bytes behind it': { steps: [initial('SCRAM-SHA-256', 'n,,', -1)] },
  'an empty message': { steps: [plain('')] },
  'a zero byte inside': { steps: [plain('n,,n=,r=a\0b')] },
  'an empty second message': { steps: [initial('SCRAM-SHA-256', null), message('')] },
  'no mechanism twice': { steps: [initial('SCRAM-SHA-256', null), initial('SCRAM-SHA-256', null)] },
  PLUS: { steps: [plus('p=tls-server-end-point,,n=,r=abc')] },
  'a binding flag that is none': { steps: [plain('x,,n=,r=abc')] },
  'a binding flag that cannot be printed': { steps: [plain('\xff,,n=,r=abc')] },
  'a binding flag alone': { steps: [plain('n')] },
  'no comma': { steps: [plain('n;,n=,r=abc')] },
  'the flag y': { steps: [plain('y,,n=,r=abc'), final((nonce) => `c=eSws,r=${nonce},p=${zeroProof}`)] },
  'the flag y, and n later': {
    steps: [plain('y,,n=,r=abc'), final((nonce) => `c=biws,r=${nonce},p=${zeroProof}`)],
  },
  'the flag p, without PLUS': { steps: [plain('p=tls-server-end-point,,n=,r=abc')] },
  'an authorization identity': { steps: [plain('n,a=me,n=,r=abc')] },
  'an attribute instead of it': { steps: [plain('n,b=me,n=,r=abc')] },
  'a mandatory extension': { steps: [plain('n,,m=1,n=,r=abc')] },
  'no name': { steps: [plain('n,,r=abc')] },
  'a name without value': { steps: [plain('n,,n,r=abc')] },
  'no nonce': { steps: [plain('n,,n=')] },
  'an empty nonce': { steps: [plain('n,,n=,r='), final((nonce) => `c=biws,r=${nonce},p=${zeroProof}`)] },
  'a nonce with a space': { steps: [plain('n,,n=,r=a b')] },
  'a nonce beyond ASCII': { steps: [plain('n,,n=,r=\xe4')] },
  'an extension that is a digit': { steps: [plain('n,,n=,r=abc,1=2')] },
  'an extension that is empty': { steps: [plain('n,,n=,r=abc,,')] },
  'an extension without value': { steps: [plain('n,,n=,r=abc,x')] },
  'a message of 1,100 bytes': { steps: [plain(`n,,n=,r=${'a'.repeat(1100)}`)] },
  'a message of 1,000 bytes': { steps: [plain(`n,,n=${'a'.repeat(960)},r=abc`), final(() => 'c')] },
  'a length below four': { steps: [Buffer.from([0x70, 0, 0, 0, 3])] },
  'a length of a gigabyte': { steps: [Buffer.from([0x70, 0x40, 0, 0, 0])] },
  'a second message of 2,000 bytes': { steps: [good, message('x'.repeat(2000))] },
  'an empty final message': { steps: [good, message('')] },
  'a final message of something else': { steps: [good, message('hello')] },
  'no binding': { steps: [good, final((nonce) => `r=${nonce},p=${zeroProof}`)] },
  'rubbish for a binding': { steps: [good, final((nonce) => `c=????,r=${nonce},p=${zeroProof}`)] },
  'another nonce': { steps: [good, final((nonce) => `c=biws,r=${nonce}x,p=${zeroProof}`)] },
  'the own nonce alone': { steps: [good, final(() => `c=biws,r=abcdef,p=${zeroProof}`)] },
  'no proof': { steps: [good, final((nonce) => `c=biws,r=${nonce}`)] },
  'an extension instead of a proof': { steps: [good, final((nonce) => `c=biws,r=${nonce},x=1`)] },
  'a short proof': { steps: [good, final((nonce) => `c=biws,r=${nonce},p=AAAA`)] },
  'a proof that is no base64': { steps: [good, final((nonce) => `c=biws,r=${nonce},p=${'!'.repeat(44)}`)] },
  'something behind the proof': { steps: [good, proved('', ',x=1')] },
  'a proof with white space': {
    steps: [good, final((nonce) => `c=biws,r=${nonce},p= ${zeroProof.slice(0, 9)}\n${zeroProof.slice(9)}`)],
  },
  'a query instead': { steps: [encodeMessage(0x51, Buffer.from('select 1\0'))] },
  'a query instead of a proof': { steps: [good, encodeMessage(0x51, Buffer.from('select 1\0'))] },
  'Terminate instead': { steps: [encodeMessage(0x58)] },
  'TLS: the right password': { isEncrypted: true, steps: [good, proved()] },
  'TLS: the flag y': { isEncrypted: true, steps: [plain('y,,n=,r=abc')] },
  'TLS: the flag y with PLUS': { isEncrypted: true, steps: [plus('y,,n=,r=abc')] },
  'TLS: the flag n with PLUS': { isEncrypted: true, steps: [plus('n,,n=,r=abc')] },
  'TLS: the flag p without PLUS': { isEncrypted: true, steps: [plain('p=tls-server-end-point,,n=,r=abc')] },
  'TLS: another binding': { isEncrypted: true, steps: [plus('p=tls-unique,,n=,r=abc')] },
  'TLS: another binding, long and strange': {
    isEncrypted: true,
    steps: [plus(`p=\xe4 ${'b'.repeat(40)},,n=,r=abc`)],
  },
  'TLS: a binding without value': { isEncrypted: true, steps: [plus('p,,n=,r=abc')] },
  'TLS: bound to nothing': {
    isEncrypted: true,
    steps: [plus('p=tls-server-end-point,,n=,r=abc'), final((nonce) => `c=biws,r=${nonce},p=${zeroProof}`)],
  },
  'TLS: bound to another certificate': {
    isEncrypted: true,
    steps: [
      plus('p=tls-server-end-point,,n=,r=abc'),
      final((nonce) => {
        const binding = Buffer.concat([Buffer.from('p=tls-server-end-point,,'), Buffer.alloc(32)]);
        return `c=${binding.toString('base64')},r=${nonce},p=${zeroProof}`;
      }),
    ],
  },
};

describe('auth.mode verify answers what a client sends as PostgreSQL does', () => {
  let directory: TemporaryDirectory;
  let server: PostgresServer;
  let pool: ControlPool;
  let proxy: RecordedProxy;

  beforeAll(async () => {
    directory = await temporaryDirectory('scram', { openToOthers: true });
    server = await startPostgres({ settings: serverTlsSettings(makeCertificate(directory.path, 'server')) });
    const admin = new Client(server.connectionOptions('postgres'));
    await admin.connect();
    await admin.query(`create role known login password 'secret'`);
    await admin.end();
    pool = openPool({ ...server.connectionOptions('postgres'), maxConnections: 2 });
    const { certificate, key } = makeCertificate(directory.path, 'proxy');
    const clientTls = new ClientTls(
      { mode: 'prefer', certificate, key, clientCa: undefined, minimumVersion: 'TLSv1.2' },
      silent,
    );
    const tls = loadServerTls({ mode: 'require', ca: undefined, certificate: undefined, key: undefined });
    const upstream = { host: '127.0.0.1', port: server.port, tls };
    proxy = await startProxy(server.port, {}, { upstream, clientTls, verifiers: new VerifierQuery(pool) });
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await pool?.[Symbol.asyncDispose]();
    await server?.stop();
    await directory?.[Symbol.asyncDispose]();
  });

  /** What comes back up to the end of the log-in, without what is random. */
  async function converse(port: number, { user = 'known', isEncrypted, steps }: Conversation) {
    const client = isEncrypted === true ? await WireClient.openTls(port) : await WireClient.open(port);
    const parameters = new Map([
      ['user', user],
      ['database', 'postgres'],
    ]);
    client.send(encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters }));
    const received: WireMessage[] = [];
    try {
      const take = async (): Promise<WireMessage | undefined> => {
        const messages = await client.until('R');
        received.push(...messages);
        return messages.find(({ type }) => type === 'R');
      };
      let last = await take();
      for (const step of steps) {
        client.send(typeof step === 'function' ? step(last?.body.toString('latin1', 4) ?? '') : step);
        last = await take();
        if (last === undefined || client.isClosed) break;
      }
      const isIn = last !== undefined && [0, 12].includes(last.body.readInt32BE(0));
      received.push(...(await (isIn ? client.until('Z') : client.untilClosed())));
    } finally {
      client.close();
    }
    return received
      .filter(({ type }) => !['S', 'K'].includes(type))
      .map(describeMessage)
      .map((text) => text.replace(/r=[^,]*/, 'r=').replace(/v=[^"]*/, 'v='));
  }

  test.each(Object.entries(conversations))('%s', async (_title, conversation) => {
    const expected = await converse(server.port, conversation);
    expect(expected.length).toBeGreaterThan(1);
    expect(await converse(proxy.port, conversation)).toEqual(expected);
  });

  test('rubbish in either message', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'n',
        'y',
        'p',
        ',',
        ',,',
        'n=',
        'r=',
        'c=',
        'p=',
        'biws',
        'eSws',
        '=',
        'a',
        zeroProof,
        'x=1',
      ),
      fc.string({
        maxLength: 8,
        unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
      }),
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (rubbish, isFirst) => {
        const step = message(Buffer.from(rubbish, 'latin1'));
        const steps = isFirst ? [plain(rubbish)] : [good, step];
        // What happens to be a good first message has to be followed by something.
        const conversation = { steps: [...steps, message('')] };
        const expected = await converse(server.port, conversation);
        expect(await converse(proxy.port, conversation)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test('random bytes, in one piece or byte by byte: an answer or the end, and the proxy goes on', async () => {
    for (let round = 0; round < 40; round++) {
      const client = await WireClient.open(proxy.port);
      const parameters = new Map([['user', 'known']]);
      client.send(encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters }));
      await client.until('R');
      if (round % 2 === 0) client.send(good);
      const rubbish = randomBytes(1 + (round % 37));
      if (round % 4 === 1) rubbish[0] = 0x70;
      if (round % 3 === 0) await client.dribble(rubbish);
      else client.send(rubbish);
      client.socket.end();
      await client.untilClosed();
    }
    expect(await converse(proxy.port, { steps: [good, proved()] })).toContain(
      'R "\\u0000\\u0000\\u0000\\u0000"',
    );
    expect(proxy.events.ends).not.toContain('internalError');
  });

  test('all messages byte by byte, and statements sent behind the proof before it is taken', async () => {
    const client = await WireClient.open(proxy.port);
    const parameters = new Map([
      ['user', 'known'],
      ['database', 'postgres'],
    ]);
    await client.dribble(encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters }));
    await client.until('R');
    await client.dribble(good);
    const [challenge] = await client.until('R');
    const step = proved();
    const proof = typeof step === 'function' ? step(challenge?.body.toString('latin1', 4) ?? '') : step;
    await client.dribble(proof.subarray(0, 20));
    client.send(proof.subarray(20), encodeMessage(0x51, Buffer.from('select 42 as a\0')));
    await client.until('Z');
    const answer = await client.until('Z');
    expect(answer.map(({ type }) => type).join('')).toBe('TDCZ');
    client.close();
  });
});
