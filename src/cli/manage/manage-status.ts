import type { CommandModule } from 'yargs';
import { messageOf } from '../../errors/message-of';
import { StartError } from '../../errors/start-error';
import { Tracking } from '../../freshness/tracking';
import type { DatabaseConfig, PcacheConfig } from '../../ops/config/pcache-config';
import { createLog } from '../../ops/log/create-log';
import { readDatabaseIdentity } from '../../postgres/catalog/read-database-identity';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { controlPool } from '../control-pool';
import { readCommandConfig } from '../key-flags';
import { loadUpstreamTls } from '../load-tls';
import { openCacheBackend } from '../open-cache-backend';
import { trackedTables } from '../tracked-tables';
import { describeKey, overviewOf } from './cache-overview';
import { forEachQueue, isQueueShared } from './opened-queues';
import { type JsonFlag, tell, withJsonFlag } from '../output';

interface StatusFlags extends ConfigFlags, JsonFlag {
  readonly part: (typeof parts)[number];
}

const parts = ['all', 'env', 'tables'] as const;

/** What was looked at, and what is to be said of it. */
interface Finding {
  readonly part: 'configuration' | 'database' | 'cache' | 'queue';
  readonly name: string;
  readonly isGood: boolean;
  readonly lines: readonly string[];
}

export const manageStatusCommand: CommandModule<object, StatusFlags> = {
  command: 'status [part]',
  describe:
    'Say whether databases, cache and queue can be used, and what is in them; exit code 1 if one cannot',
  builder: (argv) =>
    withJsonFlag(withConfigFlags(argv), 'for each thing looked at')
      .positional('part', {
        choices: parts,
        default: 'all' as const,
        describe: 'env: configuration and connections. tables: cache and queue',
      })
      .example('$0 manage status -c pcache.yaml', ''),
  handler: async (flags) => {
    const config = readCommandConfig(flags);
    const findings: Finding[] = [];
    const look = async (
      part: Finding['part'],
      name: string,
      at: () => Promise<readonly string[]>,
    ): Promise<void> => {
      const finding = await at()
        .then((lines): Finding => ({ part, name, isGood: true, lines }))
        .catch((error: unknown): Finding => ({ part, name, isGood: false, lines: [messageOf(error)] }));
      findings.push(finding);
      const { isGood, lines } = finding;
      tell(
        flags,
        { part, name, ok: isGood, says: lines },
        [`${part} ${name}: ${isGood ? 'ok' : 'FAILED'}`, ...lines.map((line) => `  ${line}`)].join('\n'),
      );
    };
    await look('configuration', config.source ?? '', async () => [
      `mode ${config.mode}, cache in ${config.cache.backend}, queue: ${config.queue.provider}`,
    ]);
    if (flags.part !== 'tables')
      for (const database of config.databases.values())
        await look('database', database.name, () => lookAtDatabase(database, config));
    if (flags.part !== 'env') {
      await look('cache', config.cache.backend, () => lookAtCache(config));
      if (isQueueShared(config)) await look('queue', config.queue.provider, () => lookAtQueues(config));
    }
    if (findings.some(({ isGood }) => !isGood)) throw new StartError('not everything can be used: see above');
  },
};

async function lookAtDatabase(database: DatabaseConfig, config: PcacheConfig): Promise<readonly string[]> {
  const log = createLog(config.log);
  await using pool = controlPool(database, loadUpstreamTls(config), { maxConnections: 1 }, log);
  await readDatabaseIdentity(pool);
  const keys = [...database.partitionKeys.values()];
  const exact = trackedTables(keys.filter(({ changeLog }) => changeLog !== undefined));
  const named = `partition keys: ${keys.length === 0 ? 'none' : keys.map(({ name }) => name).join(', ')}`;
  if (exact.length === 0) return [pool.target, named];
  const { schema, lockTimeoutMs } = config.freshness;
  const status = await new Tracking({ pool, schema, lockTimeoutMs, attempts: 1 }).status();
  const isTracked = ({ schema: of, table, keyColumn }: (typeof exact)[number]): boolean =>
    (status?.sources ?? []).some(
      (source) =>
        source.tableNow === `${of}.${table}` &&
        source.keyColumn === keyColumn &&
        source.problems.length === 0,
    );
  const count = exact.filter(isTracked).length;
  return [
    pool.target,
    named,
    `changes are tracked of ${count} of ${exact.length} tables; see pcache track status`,
  ];
}

async function lookAtCache(config: PcacheConfig): Promise<readonly string[]> {
  await using cache = await openCacheBackend(config.cache, loadUpstreamTls(config), createLog(config.log));
  const all = await overviewOf(cache);
  return all.length === 0 ? ['no partition key is registered'] : all.map(describeKey);
}

async function lookAtQueues(config: PcacheConfig): Promise<readonly string[]> {
  const lines: string[] = [];
  await forEachQueue(config, undefined, async ({ database, queries, fragments }) => {
    const [first, second] = [await queries.lengths(), await fragments.lengths()];
    lines.push(
      `${database.name}: ${first.waiting} statements and ${second.waiting} fragments wait, ${second.running} run, ${first.dead + second.dead} were given up`,
    );
  });
  return lines;
}
