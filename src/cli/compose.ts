import type { AddressInfo } from 'node:net';
import { AdminServer } from '../ops/admin/admin-server';
import { Readiness } from '../ops/admin/readiness';
import { upstreamCheck } from '../ops/admin/upstream-check';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import { Metrics } from '../ops/metrics/metrics';
import { Owned } from './owned';
import { readVersion } from './version';

/** A proxy that accepts connections. Disposing of it ends what is left at once and closes everything. */
export interface RunningProxy extends AsyncDisposable {
  readonly addresses: { readonly admin: AddressInfo };
  /** Accepts no more clients and resolves when the last has gone, or been sent away at the deadline. */
  drain(deadlineMs: number): Promise<void>;
  /** Reads the catalog of every database again. */
  refreshCatalogs(): void;
}

/** Puts the parts together by the configuration and starts them. Rejects with StartError or closes what it opened. */
export async function composeProxy(
  config: PcacheConfig,
  log: Log,
  _shutdown: AbortSignal,
): Promise<RunningProxy> {
  const owned = new Owned();
  try {
    const metrics = new Metrics({ version: readVersion() });
    const readiness = new Readiness({ log });
    readiness.addCheck(upstreamCheck(config.upstream));
    const adminServer = owned.add(new AdminServer({ listen: config.admin, metrics, readiness, log }));
    const admin = await adminServer.start();
    readiness.markRunning();
    return {
      addresses: { admin },
      drain: async () => {
        readiness.markDraining();
      },
      refreshCatalogs: () => undefined,
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  } catch (error) {
    await owned[Symbol.asyncDispose]();
    throw error;
  }
}
