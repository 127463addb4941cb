import type { Place, RunnableStatement } from './statement-form';

/** What a client sees of a statement. */
export type Outcome =
  | { readonly kind: 'rows'; readonly rows: readonly string[] }
  | { readonly kind: 'error'; readonly sqlState: string; readonly message: string };

export interface Attempt {
  readonly outcome: Outcome;
  /** Whether a restriction was in what the server ran. */
  readonly isRestricted: boolean;
  /** Whether it was run by a plan that the session has kept of a text. */
  readonly isKept?: boolean;
  /** Why there was none, where it is known. */
  readonly reason?: string;
  /** The text that was run instead of the statement's own, where it is known. */
  readonly text?: string;
  /** Whether `text` would be there if there was one. */
  readonly showsTexts?: boolean;
}

/** What is put to the test: statements go through it, and are compared with what the server says itself. */
export interface Subject extends AsyncDisposable {
  /** As the client wrote it, straight to the server. */
  direct(statement: RunnableStatement, place: Place): Promise<Outcome>;
  /** Through what is tested: by itself, or in the middle of a transaction block. */
  through(statement: RunnableStatement, place: Place): Promise<Attempt>;
  /** Sees to it that all is known of the statement that ever will be. */
  learn(statement: RunnableStatement): Promise<void>;
  /** As if nothing had ever been learned. */
  forget(): Promise<void>;
}

export function hasLostConnection(outcome: Outcome): boolean {
  return outcome.kind === 'error' && /^(08|57P0)/.test(outcome.sqlState);
}

/**
 * Why the second outcome is no acceptable answer where the first is the server's own; undefined if it is. A statement that
 * fails on some row may do so on another row, or not at all: which rows are looked at is the plan's business. One that
 * ran must run.
 */
export function difference(direct: Outcome, through: Outcome): string | undefined {
  if (through.kind === 'error' && hasLostConnection(through)) return `connection lost: ${through.message}`;
  if (direct.kind === 'error') {
    if (isDataDependent(direct))
      return through.kind === 'rows' || isDataDependent(through)
        ? undefined
        : describeErrors(direct, through);
    return through.kind === 'error' && through.sqlState === direct.sqlState
      ? undefined
      : describeErrors(direct, through);
  }
  if (through.kind === 'error') return `ran, but fails now: ${through.sqlState} ${through.message}`;
  const isOfOneSize = direct.rows.length === through.rows.length;
  const [expected, received] = [direct.rows, through.rows].map((rows) =>
    isOfOneSize ? rows.map(asCompared) : rows,
  ) as [readonly string[], readonly string[]];
  const missing = without(expected, received);
  const extra = without(received, expected);
  if (missing.length === 0 && extra.length === 0) return undefined;
  return [
    `${direct.rows.length} rows expected, ${through.rows.length} received`,
    ...missing.slice(0, 3).map((row) => `missing ${row}`),
    ...extra.slice(0, 3).map((row) => `extra ${row}`),
  ].join('; ');
}

function isDataDependent(outcome: Outcome): boolean {
  return outcome.kind === 'error' && /^(22|21|23)/.test(outcome.sqlState);
}

function describeErrors(direct: Outcome, through: Outcome): string {
  const text = (outcome: Outcome): string =>
    outcome.kind === 'error' ? `${outcome.sqlState} ${outcome.message}` : `${outcome.rows.length} rows`;
  return `expected ${text(direct)}, received ${text(through)}`;
}

/**
 * -0 and 0 are equal, and look different; so are 'a' and 'a  ' to `character`. Which of them DISTINCT, GROUP BY or INTERSECT shows, and which a
 * LIMIT or OFFSET takes of two rows that the order does not tell apart, is the plan's business. A row that is lost is one row fewer:
 * this is for as many rows only.
 */
function asCompared(row: string): string {
  return (
    row
      .replaceAll(/(?<=^|["\t,{])-0(?=["\t,}\n]|$)/g, '0')
      // In binary, as `pg` decodes it: its first byte is no UTF-8.
      .replaceAll(/(?<=")\ufffd(?=(?:\\u0000){3}(?:(?:\\u0000){4})?")/g, '\\u0000')
      .replaceAll(/ +(?=["\t,}\n]|$)/g, '')
  );
}

/** Multiset difference. */
function without(rows: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const row of others) counts.set(row, (counts.get(row) ?? 0) + 1);
  return rows.filter((row) => {
    const left = counts.get(row) ?? 0;
    counts.set(row, left - 1);
    return left <= 0;
  });
}
