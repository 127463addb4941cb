import { createHash } from 'node:crypto';
import { quoteIdentifier } from '../query/ast/quote';
import { parseMethodChoice } from '../query/rewrite/method';
import type { ReadContext } from './engine';
import type { SessionContext } from './session-context';

/**
 * Settings that no session can change an answer with: they say how a statement is planned, logged, limited or sent, not what
 * it means (manual, chapter "Server Configuration"). Whatever is not here counts as part of a statement's meaning (rule S7).
 */
const harmless: readonly RegExp[] = [
  /^(application_name|client_encoding|client_min_messages|search_path|pcache\..*)$/,
  /^(statement_timeout|lock_timeout|transaction_timeout|idle_.*|deadlock_timeout|tcp_.*|client_connection_check_interval)$/,
  /^(enable_.*|jit.*|geqo.*|.*_cost|.*_page_cost|plan_cache_mode|constraint_exclusion|.*_collapse_limit|cursor_tuple_fraction)$/,
  /^(effective_.*|work_mem|hash_mem_multiplier|maintenance_.*|logical_decoding_work_mem|temp_buffers|temp_file_limit|temp_tablespaces)$/,
  /^(max_parallel_.*|min_parallel_.*|parallel_.*|debug_.*|log_.*|track_.*|compute_query_id|stats_fetch_consistency|auto_explain\..*)$/,
  /^(synchronous_commit|commit_.*|wal_.*|vacuum_.*|default_tablespace|default_table_access_method|default_toast_compression)$/,
  /^(default_transaction_.*|transaction_.*|session_replication_role|row_security|role|session_authorization|is_superuser)$/,
  /^(check_function_bodies|lc_messages|password_encryption|exit_on_error|synchronize_seqscans|escape_string_warning|backslash_quote)$/,
  /^(gin_.*|ssl.*|server_.*|in_hot_standby|integer_datetimes|bonjour.*|dynamic_library_path|local_preload_libraries|session_preload_libraries)$/,
];

/** Reads the row of sql/queries/session-context.sql. */
export function readSessionContext(row: readonly (string | null)[], databaseIdentity: string): ReadContext {
  const [searchPath, temporaryRelations, userName, clientEncoding, mode, settings, ...others] = row;
  const [preparedText, method, canMakeTables, serverProcessId, endsOnError, addsRows, preparedTypes] = others;
  const schemas = strings(searchPath).filter((schema) => !schema.startsWith('pg_temp_'));
  const meaningful = meaningfulSettings(settings);
  const context: Omit<SessionContext, 'id'> = {
    searchPath: schemas,
    temporaryRelations: new Set(strings(temporaryRelations)),
    userName: userName ?? '',
    clientEncoding: clientEncoding ?? '',
    settings: { ...meaningful, search_path: schemas.map(quoteIdentifier).join(', ') },
    mode: modeOf(mode),
    method: parseMethodChoice(method ?? ''),
    canMakeTables: canMakeTables === 't' && endsOnError !== 'on',
    endsOnError: endsOnError === 'on',
    addsRows: addsRows === 'on',
    serverProcessId: typeof serverProcessId === 'string' ? Number(serverProcessId) : undefined,
  };
  const identity = JSON.stringify([
    databaseIdentity,
    Object.entries(context.settings).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
  const id = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  return {
    context: { ...context, id },
    preparedText: preparedText ?? undefined,
    preparedTypes: preparedTypes === undefined ? undefined : strings(preparedTypes).map(Number),
  };
}

function strings(json: string | null | undefined): readonly string[] {
  const list: unknown = JSON.parse(json ?? '[]');
  return Array.isArray(list) ? list.map(String) : [];
}

function meaningfulSettings(json: string | null | undefined): Readonly<Record<string, string>> {
  const settings = JSON.parse(json ?? '{}') as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([name]) => !harmless.some((pattern) => pattern.test(name)))
      .map(([name, value]) => [name, normalise(name, String(value))]),
  );
}

/** From PostgreSQL 12 on, every value above 0 writes floats in the same shortest exact form. */
function normalise(name: string, value: string): string {
  return name === 'extra_float_digits' && Number(value) > 0 ? '1' : value;
}

/** Who sets a mode that does not exist wants something other than the default: off is what can do no harm. RESET leaves ''. */
function modeOf(mode: string | null | undefined): SessionContext['mode'] {
  if (mode === null || mode === undefined || mode === '') return undefined;
  const known = mode.toLowerCase();
  return known === 'on' || known === 'observe' ? known : 'off';
}
