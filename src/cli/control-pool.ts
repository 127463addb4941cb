import type { DatabaseConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import { openPool, type ControlPool, type ControlPoolOptions } from '../postgres/control-pool';
import type { ServerTls } from '../postgres/server-tls';

/** Connections of our own to a configured database, as its control role. */
export function controlPool(
  { name, control }: DatabaseConfig,
  tls: ServerTls | undefined,
  limits: Pick<ControlPoolOptions, 'maxConnections' | 'connectTimeoutMs' | 'settings'>,
  log: Log,
): ControlPool {
  return openPool({
    host: control.host,
    port: control.port,
    database: name,
    user: control.user,
    password: () => control.password?.reveal(),
    tls,
    ...limits,
    onIdleLoss: (error) => {
      log.warn({ err: error }, 'an idle control connection was lost');
    },
  });
}
