import type { ControlClient } from '../../postgres/control-client';
import { sqlFile } from '../../postgres/sql-files';
import type { SessionContext } from '../session-context';

const beginReading = sqlFile('begin-fragment-run');
const applySettings = sqlFile('apply-fragment-settings');

/** A statement as a client wrote it, as it was sent, and the values of its parameters: Buffers are binary, strings are text. */
export interface ComparedForms {
  readonly original: string;
  readonly restricted: string;
  readonly values: readonly (Buffer | string | null)[];
}

/**
 * same, different: the results as multisets of rows. unstable: the original by itself has another result under another plan, so nothing
 * follows from a difference.
 */
export type Comparison =
  | { readonly outcome: 'same' | 'unstable' }
  | { readonly outcome: 'different'; readonly originalRows: string; readonly restrictedRows: string };

interface Digest {
  readonly rows: string;
  readonly hash: string | null;
  readonly [column: string]: unknown;
}

/** Sums of floats depend on the order of the rows, in digits that are not written then. */
const fewDigits = { extra_float_digits: '-3' };
/** Makes the planner read and join in another way. */
const otherPlan = {
  enable_hashjoin: 'off',
  enable_hashagg: 'off',
  enable_indexscan: 'off',
  enable_bitmapscan: 'off',
};

/**
 * Runs both forms in one snapshot that cannot change anything, as the client's role and under its settings. Rows are counted and hashed where
 * they are. Rejects as the client's queries do: that a form fails says nothing about its rows.
 */
export async function compareForms(
  client: ControlClient,
  { original, restricted, values }: ComparedForms,
  { userName, settings }: SessionContext,
  timeoutMs: number,
): Promise<Comparison> {
  const apply = (wanted: Readonly<Record<string, string>>): Promise<unknown> =>
    client.query(applySettings, [Object.keys(wanted), Object.values(wanted)]);
  const digest = async (what: string, text: string): Promise<Digest> => {
    const [row] = await client.execute<Digest>(what, digestQuery(text), values, { timeoutMs });
    if (row === undefined) throw new Error(`${what} has no digest`);
    return row;
  };
  await client.query(beginReading);
  try {
    await apply({ role: userName });
    await apply({ ...settings, ...fewDigits });
    const expected = await digest('a verified statement', original);
    const found = await digest('a verified restriction', restricted);
    if (isSame(expected, found)) return { outcome: 'same' };
    await apply(otherPlan);
    if (!isSame(expected, await digest('a verified statement', original))) return { outcome: 'unstable' };
    return { outcome: 'different', originalRows: expected.rows, restrictedRows: found.rows };
  } finally {
    await client.execute('rollback', 'rollback');
  }
}

function isSame(one: Digest, other: Digest): boolean {
  return one.rows === other.rows && one.hash === other.hash;
}

/** Everything is qualified: the client's search_path is in force. A comment at the end of the text ends with its line. */
function digestQuery(text: string): string {
  return `select pg_catalog.count(*)::pg_catalog.text as rows,
       pg_catalog.sum(pg_catalog.hashtextextended((pcache_rows.*)::pg_catalog.text collate pg_catalog."C", 0))::pg_catalog.text as hash
  from (
${text.replace(/[\s;]+$/, '')}
) as pcache_rows`;
}
