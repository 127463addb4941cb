import { spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverEndPoint } from '../../../../src/wire/scram/server-end-point';
import { temporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory';

const rsa = ['-newkey', 'rsa:2048'];
const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
const pss = [...rsa, '-sigopt', 'rsa_padding_mode:pss'];

describe('serverEndPoint', () => {
  let directory: TemporaryDirectory;
  beforeAll(async () => {
    directory = await temporaryDirectory('end-point');
  });
  afterAll(() => directory[Symbol.asyncDispose]());

  function certificate(options: readonly string[]): Buffer {
    const [key, file] = [join(directory.path, 'key'), join(directory.path, 'crt')];
    const fixed = [
      'req',
      '-x509',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=end point',
      '-keyout',
      key,
      '-out',
      file,
    ];
    const { status, stderr } = spawnSync('openssl', [...fixed, ...options], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl failed: ${stderr}`);
    return new X509Certificate(readFileSync(file)).raw;
  }

  test.each([
    ['RSA, SHA-256', [...rsa, '-sha256'], 'sha256'],
    ['RSA, SHA-384', [...rsa, '-sha384'], 'sha384'],
    ['RSA, SHA-512', [...rsa, '-sha512'], 'sha512'],
    ['RSA, SHA-224', [...rsa, '-sha224'], 'sha224'],
    ['RSA, SHA-1: SHA-256 instead', [...rsa, '-sha1'], 'sha256'],
    ['RSA, MD5: SHA-256 instead', [...rsa, '-md5'], 'sha256'],
    ['ECDSA, SHA-256', [...ec, '-sha256'], 'sha256'],
    ['ECDSA, SHA-384', [...ec, '-sha384'], 'sha384'],
    ['ECDSA, SHA-1: SHA-256 instead', [...ec, '-sha1'], 'sha256'],
    ['RSA-PSS, SHA-256', [...pss, '-sha256'], 'sha256'],
    ['RSA-PSS, SHA-512', [...pss, '-sha512'], 'sha512'],
  ])('%s', (_title, options, digest) => {
    const der = certificate(options);
    expect(serverEndPoint(der)).toEqual(createHash(digest).update(der).digest());
  });

  test('Ed25519 implies no digest: there is no binding', () => {
    expect(serverEndPoint(certificate(['-newkey', 'ed25519']))).toBeUndefined();
  });

  test('bytes that are no certificate, and certificates cut short', () => {
    const der = certificate([...ec, '-sha256']);
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from([0x30]),
      Buffer.from('30843fffffff', 'hex'),
      Buffer.alloc(99),
    ]) {
      expect(serverEndPoint(bytes)).toBeUndefined();
    }
    for (let length = 0; length < der.length; length++) {
      expect(serverEndPoint(der.subarray(0, length))).toBeUndefined();
    }
  });
});
