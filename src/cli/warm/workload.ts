import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { ControlPool } from '../../postgres/control-pool';
import { sqlFileIn } from '../../postgres/sql-files';
import { StartError } from '../../errors/start-error';
import { ControlQueryError } from '../../errors/control-query-error';
import { fileTrouble } from '../manage/file-trouble';
import { splitStatements } from '../read-statements';
import { UsageError } from '../usage-error';
import { readCsv } from './read-csv';

const queries = join(__dirname, '..', '..', '..', 'sql', 'workload', 'queries');

/** A statement of a workload, and how much it is wanted. */
export interface WorkloadStatement {
  readonly query: string;
  /** How often it was run, as far as the source tells. */
  readonly calls: number;
}

/**
 * The statements of this database that pg_stat_statements has, those that took most time in all first. It keeps `$1` in place of constants.
 * Rejects with StartError where the extension is not there.
 */
export async function fromStatStatements(
  pool: ControlPool,
  limit: number,
): Promise<readonly WorkloadStatement[]> {
  try {
    const rows = await pool.query<{ readonly query: string; readonly calls: string }>(
      sqlFileIn(queries, 'stat-statements'),
      [limit],
    );
    return rows.map(({ query, calls }) => ({ query, calls: Number(calls) }));
  } catch (error) {
    if (error instanceof ControlQueryError && ['42P01', '42883', '55000'].includes(error.sqlState))
      throw new StartError(
        `${pool.target}: pg_stat_statements is not there: it takes shared_preload_libraries = 'pg_stat_statements', a restart, and create extension`,
        { cause: error },
      );
    throw error;
  }
}

/** The column of PostgreSQL's csvlog that has the message, counted from 0; and of what it was about. */
const csvlogMessage = 13;
const csvlogColumns = 23;

/**
 * The statements in a file: SQL; PostgreSQL's csvlog (.csv) or jsonlog (.json, .jsonl), with log_statement or
 * log_min_duration_statement; or a CSV with a header, or JSON objects, that have `query`, and `calls` if it is known. Equal ones are
 * counted. Throws UsageError for a file of none of these.
 */
export function fromFile(path: string): readonly WorkloadStatement[] {
  const text = readText(path);
  const found = statementsIn(path, text);
  const counted = new Map<string, number>();
  for (const { query, calls } of found) {
    const trimmed = query.trim();
    if (trimmed !== '') counted.set(trimmed, (counted.get(trimmed) ?? 0) + calls);
  }
  return [...counted].map(([query, calls]) => ({ query, calls })).sort((a, b) => b.calls - a.calls);
}

function statementsIn(path: string, text: string): readonly WorkloadStatement[] {
  switch (extname(path)) {
    case '.csv':
      return fromCsv(readCsv(text));
    case '.json':
    case '.jsonl':
      return fromJson(path, text);
    default:
      return splitStatements(text).map((query) => ({ query, calls: 1 }));
  }
}

function fromCsv(rows: readonly (readonly string[])[]): readonly WorkloadStatement[] {
  const [header = [], ...others] = rows;
  const at = header.indexOf('query');
  if (at !== -1) {
    const callsAt = header.indexOf('calls');
    return others.map((row) => ({ query: row[at] ?? '', calls: callsOf(row[callsAt]) }));
  }
  if (header.length < csvlogColumns)
    throw new UsageError('the file is no csvlog of PostgreSQL, and has no header with a column query');
  return rows.flatMap((row) => fromMessage(row[csvlogMessage] ?? ''));
}

function fromJson(path: string, text: string): readonly WorkloadStatement[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.flatMap((line, i) => {
    const entry = jsonLine(path, line, i + 1);
    if (typeof entry['query'] === 'string')
      return [{ query: entry['query'], calls: callsOf(entry['calls']) }];
    return typeof entry['message'] === 'string' ? fromMessage(entry['message']) : [];
  });
}

function jsonLine(path: string, line: string, number: number): Readonly<Record<string, unknown>> {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry === 'object' && entry !== null) return entry as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new UsageError(`${path}: line ${number} is no JSON object; one is expected on each line`);
}

/** What log_statement, log_min_duration_statement and auto_explain's neighbours write: `duration: 3.1 ms  statement: select 1`. */
function fromMessage(message: string): readonly WorkloadStatement[] {
  const [, query] =
    /^(?:duration: [\d.]+ ms {2})?(?:statement|execute [^:]*|parse [^:]*|bind [^:]*): ([^]+)$/.exec(
      message,
    ) ?? [];
  return query === undefined ? [] : [{ query, calls: 1 }];
}

function callsOf(value: unknown): number {
  const calls = Number(value);
  return Number.isFinite(calls) && calls > 0 ? calls : 1;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return fileTrouble('read')(error);
  }
}
