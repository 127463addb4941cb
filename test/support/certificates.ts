import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { postgresOwner } from './postgres-binaries';

/** A certificate that vouches for itself, so that it is its own authority too, and its key. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** The certificate's text. */
  readonly pem: Buffer;
}

const ecdsa = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];

/**
 * Makes a certificate with openssl, valid for two days; the files are in `directory`.
 *
 * @param kind options of `openssl req` that say what key to make, and how to sign
 */
export function makeCertificate(
  directory: string,
  name: string,
  alternativeName = 'DNS:localhost,IP:127.0.0.1',
  kind: readonly string[] = ecdsa,
): Certificate {
  const certificate = join(directory, `${name}.crt`);
  const key = join(directory, `${name}.key`);
  const { status, stderr } = spawnSync(
    'openssl',
    [
      ...['req', '-x509', ...kind, '-nodes', '-days', '2'],
      ...['-keyout', key, '-out', certificate, '-subj', `/CN=${name}`],
      ...['-addext', `subjectAltName=${alternativeName}`],
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`openssl failed: ${stderr}`);
  return { certificate, key, pem: readFileSync(certificate) };
}

/** Settings of a PostgreSQL server that shows the certificate. The key is copied: the server's user must own it. */
export function serverTlsSettings({ certificate, key }: Certificate): Record<string, string> {
  const owner = postgresOwner();
  const copy = `${key}.server`;
  copyFileSync(key, copy);
  chmodSync(copy, 0o600);
  if ('uid' in owner) chownSync(copy, owner.uid, owner.gid);
  return { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: copy };
}
