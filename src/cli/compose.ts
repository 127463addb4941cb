import type { AddressInfo } from 'node:net';
import type { Engine } from '../engine/engine';
import { AdminServer } from '../ops/admin/admin-server';
import { listenError } from '../ops/admin/listen-error';
import { Readiness } from '../ops/admin/readiness';
import { upstreamCheck } from '../ops/admin/upstream-check';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import { Metrics } from '../ops/metrics/metrics';
import { ProxyListener } from '../proxy/proxy-listener';
import { loadParser } from '../query/ast/parser';
import { composeDatabase } from './compose-database';
import { openCacheBackend } from './open-cache-backend';
import { Owned } from './owned';
import { readVersion } from './version';

/** A proxy that accepts connections. Disposing of it ends what is left at once and closes everything. */
export interface RunningProxy extends AsyncDisposable {
  readonly addresses: { readonly listen: AddressInfo; readonly admin: AddressInfo };
  /** Accepts no more clients and resolves when the last has gone, or been sent away at the deadline. */
  drain(deadlineMs: number): Promise<void>;
  /** Reads the catalog of every database again. */
  refreshCatalogs(): void;
}

/**
 * Puts the parts together by the configuration and starts them, the operator's port first and the clients' last; they are
 * closed the other way round. Rejects with StartError, after closing what was opened.
 */
export async function composeProxy(config: PcacheConfig, log: Log): Promise<RunningProxy> {
  const owned = new Owned();
  try {
    const metrics = new Metrics({ version: readVersion() });
    const readiness = new Readiness({ log });
    readiness.addCheck(upstreamCheck(config.upstream));
    const adminServer = owned.add(new AdminServer({ listen: config.admin, metrics, readiness, log }));
    const admin = await adminServer.start();

    const engines = await composeEngines(config, metrics, log, owned);
    const listener = owned.add(createListener(config, engines, metrics, log));
    const listen = await listener.start().catch((error: unknown) => {
      throw listenError('listen', config.listen, error);
    });
    metrics.watchTraffic(() => listener.traffic);
    readiness.markRunning();
    return {
      addresses: { listen, admin },
      drain: (deadlineMs) => {
        readiness.markDraining();
        return listener.drain(deadlineMs);
      },
      refreshCatalogs: () => {
        for (const engine of engines.values()) engine.catalogChanged();
      },
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  } catch (error) {
    await owned[Symbol.asyncDispose]();
    throw error;
  }
}

/** The engine of each configured database, over one cache. A proxy that only relays needs neither. */
async function composeEngines(
  config: PcacheConfig,
  metrics: Metrics,
  log: Log,
  owned: Owned,
): Promise<ReadonlyMap<string, Engine>> {
  const engines = new Map<string, Engine>();
  if (config.mode === 'off' || config.databases.size === 0) return engines;
  await loadParser();
  const backend = owned.add(await openCacheBackend(config.cache, log));
  for (const [name, database] of config.databases) {
    const databaseLog = log.child({ database: name });
    engines.set(
      name,
      owned.add(await composeDatabase(database, config, backend, metrics, databaseLog)).engine,
    );
  }
  return engines;
}

function createListener(
  { listen, upstream, mode, limits }: PcacheConfig,
  engines: ReadonlyMap<string, Engine>,
  metrics: Metrics,
  log: Log,
): ProxyListener {
  return new ProxyListener({
    listen,
    upstream,
    engines,
    mode,
    events: metrics.proxy,
    log: log.child({ part: 'proxy' }),
    limits: {
      maxSessions: limits.maxSessions,
      loginTimeoutMs: limits.loginTimeoutMs,
      connectTimeoutMs: limits.connectTimeoutMs,
      maxInspectedBytes: limits.inspectBytes,
      maxHeldBytes: limits.heldReplyBytes,
    },
  });
}
