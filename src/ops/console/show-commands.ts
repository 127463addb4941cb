import type { EntryDescription } from '../../cache/cache-backend';
import { noBenefit } from '../../cache/entry-benefit';
import { messageOf } from '../../errors/message-of';
import { waitUntil } from '../../postgres/deadline';
import type { Arguments } from './arguments';
import { columns, type ConsoleCommand, type ConsoleRow, type ConsoleValue } from './console-command';
import type { ConsoleSubjects, DatabaseFacts } from './console-subjects';
import { Selection } from './selection';

/** A command of the console that shows something. */
export interface ShowCommand {
  /** The words behind SHOW. */
  readonly name: string;
  /** How arguments are written; empty if there are none. */
  readonly form: string;
  readonly summary: string;
  read(args: Arguments, subjects: ConsoleSubjects): ConsoleCommand;
}

const defaultRows = 1_000;
const maxRows = 100_000;
/** A server or store that does not answer must not keep the rest from being shown. */
const readTimeoutMs = 2_000;

export const showCommands: readonly ShowCommand[] = [
  {
    name: 'STATS',
    form: '',
    summary: 'What became of the statements of each database, and what that saved',
    read: (_, { statements, databases }) =>
      table(
        'database text, calls int8, hits int8, partials int8, misses int8, bypasses int8, fallbacks int8, failures int8, hit_rate float8, saved_ms float8, lost_ms float8, key_set_bytes int8, trouble text',
        () =>
          databases().map(({ name, keySetBytes, trouble }) => {
            const { hits, partials, misses, bypasses, fallbacks, failures, ...times } =
              statements.totalsOf(name);
            const calls = hits + partials + misses + bypasses + fallbacks;
            return [
              ...[name, calls, hits, partials, misses, bypasses, fallbacks, failures],
              ...[rate(hits + partials, calls), rounded(times.savedMs), rounded(times.lostMs)],
              ...[keySetBytes, trouble],
            ];
          }),
      ),
  },
  {
    name: 'QUERIES',
    form: '[LIMIT n]',
    summary: 'Statement shapes, those that saved most first: times with and without restriction, and why not',
    read: (args, { statements }) => {
      const limit = limitOf(args);
      return table(
        'database text, fingerprint text, calls int8, hit_rate float8, direct_ms float8, restricted_ms float8, saved_ms float8, last_reason text, query text',
        () =>
          statements
            .shapes()
            .slice(0, limit)
            .map((shape) => [
              ...[shape.database, shape.fingerprint, shape.calls],
              ...[rate(shape.hits + shape.partials, shape.calls), rounded(shape.directMs)],
              ...[rounded(shape.restrictedMs), rounded(shape.savedMs), shape.lastReason, shape.text],
            ]),
      );
    },
  },
  {
    name: 'FRAGMENTS',
    form: '[partition_key] [LIMIT n]',
    summary: 'What the cache holds, those that saved most first',
    read: (args, { fragments, shownSql, shownError }) => {
      const key = args.isAtEnd || args.isNext('LIMIT') ? undefined : args.name('partition key');
      const limit = limitOf(args);
      return table(
        'partition_key text, fragment text, status text, keys int8, bytes int8, uses int8, saved_ms float8, compute_ms float8, created_at timestamptz, last_used_at timestamptz, error text, query text',
        async (signal) => {
          const best = new Selection<EntryDescription>(
            limit,
            (entry) => (entry.benefit ?? noBenefit).savedMs,
          );
          for await (const entry of fragments(key)) {
            signal.throwIfAborted();
            best.add(entry);
          }
          return best.all().map((entry) => {
            const { uses, savedMs } = entry.benefit ?? noBenefit;
            const { fragment, status, keyCount, bytes, computeMs, createdAt, lastUsedAt, error } = entry;
            return [
              ...[fragment.partitionKey, fragment.hash, status, keyCount, bytes, uses, rounded(savedMs)],
              ...[rounded(computeMs), new Date(createdAt), new Date(lastUsedAt)],
              ...[shownError(error), shownSql(fragment.sql)],
            ];
          });
        },
      );
    },
  },
  {
    name: 'ENTRIES',
    form: '',
    summary: 'What this proxy knows of what the cache holds, by partition key and how it ended',
    read: (_, { databases }) =>
      table(
        'database text, partition_key text, status text, entries int8, keys int8, oldest_at timestamptz, newest_at timestamptz, last_used_at timestamptz',
        () =>
          databases().flatMap((database) =>
            database
              .entries()
              .map((each) => [
                ...[database.name, each.partitionKey, each.status, each.entries, each.keys],
                ...[each.oldestAt, each.newestAt, each.lastUsedAt],
              ]),
          ),
      ),
  },
  {
    name: 'CLIENTS',
    form: '',
    summary: 'Connections of clients; KILL takes their id',
    read: (_, { clients }) =>
      table(
        'id int8, user text, database text, application_name text, address text, port int8, tls bool, state text, connected_at timestamptz, server_pid int8',
        () =>
          clients().map((client) => [
            ...[client.id, client.user, client.database, client.application, client.address, client.port],
            ...[client.isEncrypted, client.state, client.connectedAt, client.server?.processId],
          ]),
      ),
  },
  {
    name: 'SERVERS',
    form: '',
    summary: 'Connections to the server that clients have: one each',
    read: (_, { clients }) =>
      table('host text, port int8, pid int8, database text, user text, tls bool, client_id int8', () =>
        clients().flatMap(({ id, user, database, server }) =>
          server === undefined
            ? []
            : [[server.host, server.port, server.processId, database, user, server.isEncrypted, id]],
        ),
      ),
  },
  {
    name: 'CONFIG',
    form: '',
    summary: 'The configuration in force; it only says where secrets are',
    read: (_, { config }) =>
      table('option text, value text', () => config().map(({ option, value }) => [option, value])),
  },
  {
    name: 'MODE',
    form: '',
    summary: 'The mode, who has set it, and whether population is paused',
    read: (_, { control }) =>
      table('mode text, set_by text, configured text, population text', () => {
        const { mode, isSet, configured } = control.mode;
        return [[mode, isSet ? 'operator' : 'configuration', configured, control.population]];
      }),
  },
  {
    name: 'QUEUE',
    form: '',
    summary: 'What waits to be learned',
    read: (_, { databases }) =>
      table(
        'database text, tier text, waiting int8, delayed int8, running int8, dead int8, oldest_ms float8, trouble text',
        () =>
          ofEach(databases(), 8, async ({ name, queues }) =>
            (await queues()).map(({ tier, queue }) => [
              ...[name, tier, queue.waiting, queue.delayed, queue.running, queue.dead],
              ...[rounded(queue.oldestMs), undefined],
            ]),
          ),
      ),
  },
  {
    name: 'FRESHNESS',
    form: '',
    summary: 'How far what is known lags behind the data; answers do not',
    read: (_, { databases }) =>
      table(
        'database text, tracked bool, changed_keys int8, oldest_change_ms float8, exact_entries int8, stale_entries int8, trouble text',
        () =>
          ofEach(databases(), 7, async ({ name, freshness }) => {
            const { log, entries } = await freshness();
            return [
              [
                ...[name, log !== undefined, log?.changes, rounded(log?.oldestMs)],
                ...[entries?.entries, entries?.stale, undefined],
              ],
            ];
          }),
      ),
  },
  {
    name: 'VERSION',
    form: '',
    summary: 'The version of pcache',
    read: (_, { version }) => table('version text', () => [[`pcache ${version}`]]),
  },
];

function table(
  text: string,
  read: (signal: AbortSignal) => readonly ConsoleRow[] | Promise<readonly ConsoleRow[]>,
): ConsoleCommand {
  return {
    columns: columns(text),
    run: async (signal) => ({ rows: await read(signal), tag: 'SHOW' }),
  };
}

function limitOf(args: Arguments): number {
  const limit = args.takes('LIMIT') ? args.count('limit', maxRows) : defaultRows;
  args.finish();
  return limit;
}

/** A database that cannot be asked has a row that says so in its last column, of `width`. */
async function ofEach(
  databases: readonly DatabaseFacts[],
  width: number,
  read: (database: DatabaseFacts) => Promise<readonly ConsoleRow[]>,
): Promise<readonly ConsoleRow[]> {
  const rows = databases.map(async (database): Promise<readonly ConsoleRow[]> => {
    try {
      return await waitUntil(read(database), { timeoutMs: readTimeoutMs }, () =>
        Promise.reject(new Error('it takes too long')),
      );
    } catch (error) {
      const between = Array<ConsoleValue>(width - 2).fill(undefined);
      return [[database.name, ...between, messageOf(error)]];
    }
  });
  return (await Promise.all(rows)).flat();
}

/** To microseconds: more is noise. */
function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1_000) / 1_000;
}

function rate(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : Math.round((part / whole) * 10_000) / 10_000;
}
