import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { ScramClient } from '../../../../src/wire/scram/scram-client';
import { ScramServer } from '../../../../src/wire/scram/scram-server';
import { clientProof, recoverClientKey, serverSignature } from '../../../../src/wire/scram/scram-keys';
import { parseScramVerifier } from '../../../../src/wire/scram/scram-verifier';

/** The example of RFC 7677, section 3. */
const example = {
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
  iterations: 4096,
};

/** What a server would keep of a password, and the key it does not keep. */
function keysOf(password: string, salt: string, iterations: number) {
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const clientKey = hmac('Client Key');
  const storedKey = createHash('sha256').update(clientKey).digest();
  return { clientKey, storedKey, serverKey: hmac('Server Key') };
}

const pencil = keysOf('pencil', example.salt, example.iterations);
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('the example of RFC 7677', () => {
  const withoutProof = example.clientFinal.replace(/,p=.*/, '');
  const authMessage = `${example.clientFirst.slice(3)},${example.serverFirst},${withoutProof}`;
  const proof = Buffer.from(example.clientFinal.replace(/.*,p=/, ''), 'base64');

  test('the proof, and the key it reveals', () => {
    expect(clientProof(pencil.clientKey, pencil.storedKey, authMessage)).toEqual(proof);
    expect(recoverClientKey(proof, pencil.storedKey, authMessage)).toEqual(pencil.clientKey);
    expect(recoverClientKey(proof, keysOf('pen', example.salt, 4096).storedKey, authMessage)).toBeUndefined();
  });

  test('the signature of the server', () => {
    const signature = serverSignature(pencil.serverKey, authMessage).toString('base64');
    expect(`v=${signature}`).toBe(example.serverFinal);
  });

  test("the server's side, message by message", () => {
    const server = new ScramServer(undefined, example.serverNonce);
    expect(server.mechanisms).toEqual(['SCRAM-SHA-256']);
    server.choose('SCRAM-SHA-256');
    server.readFirst(latin1(example.clientFirst));
    expect(server.challenge(example).toString()).toBe(example.serverFirst);
    server.readFinal(latin1(example.clientFinal));
    expect(server.recoverClientKey(pencil.storedKey)).toEqual(pencil.clientKey);
    expect(server.sign(pencil.serverKey).toString()).toBe(example.serverFinal);
  });
});

describe('the two sides together', () => {
  const [certificate, another] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

  /** Whether the server takes the client's proof, and the client the server's signature. */
  function meet(
    seenByClient: Buffer | undefined,
    ofServer: Buffer | undefined,
    offered?: readonly string[],
    key = pencil.clientKey,
  ): boolean {
    const server = new ScramServer(ofServer, 'server');
    const client = new ScramClient(offered ?? server.mechanisms, seenByClient, 'client');
    const { mechanism, data } = client.begin();
    server.choose(mechanism);
    server.readFirst(data ?? Buffer.alloc(0));
    const { salt, iterations } = client.readChallenge(server.challenge(example));
    expect([salt, iterations]).toEqual([example.salt, example.iterations]);
    server.readFinal(client.prove(key, pencil.storedKey));
    if (server.recoverClientKey(pencil.storedKey)?.equals(pencil.clientKey) !== true) return false;
    const signature = server.sign(pencil.serverKey);
    expect(client.isSigned(signature, pencil.storedKey)).toBe(false);
    return client.isSigned(signature, pencil.serverKey);
  }

  test('without TLS, and bound to the same certificate', () => {
    expect(meet(undefined, undefined)).toBe(true);
    expect(meet(certificate, certificate)).toBe(true);
  });

  test('a certificate nothing can be bound to, on either side', () => {
    expect(meet(undefined, certificate)).toBe(true);
    expect(meet(certificate, undefined)).toBe(true);
  });

  test('refuses: another certificate', () => {
    expect(() => meet(certificate, another)).toThrow('SCRAM channel binding check failed');
  });

  test('refuses: an offer somebody took PLUS out of', () => {
    expect(() => meet(certificate, certificate, ['SCRAM-SHA-256'])).toThrow(
      'SCRAM channel binding negotiation error',
    );
  });

  test('refuses: another key', () => {
    expect(meet(undefined, undefined, undefined, keysOf('pen', example.salt, 4096).clientKey)).toBe(false);
  });

  test.each([
    ['a nonce that is not ours', 'r=other,s=AAAA,i=1'],
    ['our nonce and nothing more', 'r=client,s=AAAA,i=1'],
    ['no salt', 'r=client1,i=1'],
    ['iterations that are no number', 'r=client1,s=AAAA,i=x'],
    ['nothing', ''],
    ['rubbish', '\xff\xfe'],
  ])('refuses as a client: a challenge with %s', (_title, challenge) => {
    const client = new ScramClient(['SCRAM-SHA-256'], undefined, 'client');
    expect(() => client.readChallenge(latin1(challenge))).toThrow(
      expect.objectContaining({ sqlState: '08P01' }),
    );
  });
});

describe('parseScramVerifier', () => {
  const [stored, server] = [pencil.storedKey.toString('base64'), pencil.serverKey.toString('base64')];

  test('reads what pg_authid has', () => {
    expect(parseScramVerifier(`SCRAM-SHA-256$4096:${example.salt}$${stored}:${server}`)).toEqual({
      iterations: 4096,
      salt: example.salt,
      storedKey: pencil.storedKey,
      serverKey: pencil.serverKey,
    });
  });

  test.each([
    ['', 'nothing'],
    ['secret', 'a plain password'],
    ['md51dd5a25dd9b8dd3fae7f2e2ff2aedc86', 'an MD5 password'],
    [`SCRAM-SHA-1$4096:${example.salt}$${stored}:${server}`, 'another mechanism'],
    [`SCRAM-SHA-256$x:${example.salt}$${stored}:${server}`, 'iterations that are no number'],
    [`SCRAM-SHA-256$4096:${example.salt}$${stored}:${server} `, 'something behind it'],
    [`SCRAM-SHA-256$4096:${example.salt}$${stored.slice(4)}:${server}`, 'a short key'],
    [`SCRAM-SHA-256$4096:$${stored}:${server}`, 'no salt'],
  ])('refuses: %s (%s)', (text) => {
    expect(parseScramVerifier(text)).toBeUndefined();
  });
});
