import { AdminServer } from '../ops/admin/admin-server';
import { StatusPage } from '../ops/admin/page/status-page';
import type { Readiness } from '../ops/admin/readiness';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { Metrics } from '../ops/metrics/metrics';
import { History } from '../ops/statistics/history';
import { readHistoryValues } from '../ops/statistics/history-values';
import type { Owned } from './owned';
import type { Steering } from './steering';

export interface OpenAdminParts {
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** undefined while the proxy is starting. */
  readonly steering: () => Steering | undefined;
  readonly version: string;
  /** A socket that is listened on already. */
  readonly descriptor: number | undefined;
  readonly log: Log;
  readonly owned: Owned;
}

/** The operator's port of a proxy, with the page: not listening yet. */
export function openAdmin(config: PcacheConfig, parts: OpenAdminParts): AdminServer {
  const { metrics, readiness, steering, version, descriptor, log, owned } = parts;
  const history = new History({ read: (before) => readHistoryValues(metrics, before), log }).start();
  owned.add({
    [Symbol.asyncDispose]: async () => {
      history[Symbol.dispose]();
    },
  });
  const { pages, actions } = new StatusPage({
    ...{ version, metrics, readiness, history },
    databases: () => [...(steering()?.config ?? config).databases.keys()],
    control: steering,
    canChange: config.admin.token !== undefined,
  });
  const { admin } = config;
  return owned.add(
    new AdminServer({ listen: admin, descriptor, access: admin, pages, actions, metrics, readiness, log }),
  );
}
