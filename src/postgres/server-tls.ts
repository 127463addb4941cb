import { readFileSync } from 'node:fs';
import {
  checkServerIdentity,
  createSecureContext,
  type ConnectionOptions,
  type SecureContext,
} from 'node:tls';

/** libpq's sslmode (manual, "SSL Support", Table "SSL Mode Descriptions"). */
export const serverTlsModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type ServerTlsMode = (typeof serverTlsModes)[number];

/** Where the material is; absolute file names. */
export interface ServerTlsFiles {
  readonly mode: ServerTlsMode;
  /** Authorities the server's certificate must come from. With it `require` means verify-ca, as in libpq. */
  readonly ca: string | undefined;
  /** Our own certificate, for servers that ask for one, and its key. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** How connections to a server are encrypted, with everything read that it takes. */
export interface ServerTls {
  readonly mode: ServerTlsMode;
  readonly hasCa: boolean;
  readonly context: SecureContext;
}

/** One way to open a connection. */
export type Encryption = 'plain' | 'tls';

/** Reads the files. Throws what reading or OpenSSL throws; undefined if TLS is never wanted. */
export function loadServerTls({ mode, ca, certificate, key }: ServerTlsFiles): ServerTls | undefined {
  if (mode === 'disable') return undefined;
  const context = createSecureContext({
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(certificate === undefined ? {} : { cert: readFileSync(certificate) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
  });
  return { mode, hasCa: ca !== undefined, context };
}

/** The ways to try, in libpq's order. TLS is not for unix sockets, whatever the mode. */
export function encryptionsToTry(tls: ServerTls | undefined, host: string): readonly Encryption[] {
  if (tls === undefined || host.startsWith('/')) return ['plain'];
  if (tls.mode === 'allow') return ['plain', 'tls'];
  return tls.mode === 'prefer' ? ['tls', 'plain'] : ['tls'];
}

/** What `tls.connect` and `pg` take: which certificates are good enough for the mode. */
export function tlsConnectOptions(tls: ServerTls, host: string): ConnectionOptions {
  const { mode, hasCa, context } = tls;
  const isVerified = mode === 'verify-ca' || mode === 'verify-full' || (mode === 'require' && hasCa);
  return {
    secureContext: context,
    rejectUnauthorized: isVerified,
    checkServerIdentity: (_name, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
  };
}
