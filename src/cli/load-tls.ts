import type { ConnectionOptions } from 'node:tls';
import { messageOf } from '../errors/message-of';
import { StartError } from '../errors/start-error';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import {
  loadServerTls,
  type ServerTls,
  type ServerTlsFiles,
  tlsConnectOptions,
} from '../postgres/server-tls';
import { ClientTls } from '../proxy/entrance/client-tls';

/** Reads the files for TLS with clients; undefined if there is to be none. Throws StartError that names the option. */
export function loadListenTls({ listen }: PcacheConfig, log: Log): ClientTls | undefined {
  if (listen.tls.mode === 'disable') return undefined;
  return explained('listen.tls', () => new ClientTls(listen.tls, log.child({ part: 'proxy' })));
}

/** The same for connections to the server. */
export function loadUpstreamTls({ upstream }: PcacheConfig): ServerTls | undefined {
  return explained('upstream.tls', () => loadServerTls(upstream.tls));
}

/** The same for connections to Redis; `host` is whose name the certificate has to bear. */
export function loadRedisTls(files: ServerTlsFiles, host: string): ConnectionOptions | undefined {
  const tls = explained('cache.redis.tls', () => loadServerTls(files));
  return tls === undefined ? undefined : tlsConnectOptions(tls, host);
}

function explained<T>(option: string, load: () => T): T {
  try {
    return load();
  } catch (error) {
    const message = `${option}: a certificate or key cannot be used: ${messageOf(error)}`;
    throw new StartError(message, { cause: error });
  }
}
