import type { FragmentHash } from '../../../query/fragment/fragment';
import type { EntryDescription, EntryStatus } from '../../cache-backend';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { checkDescription } from '../../codecs/description-codec';
import { withBenefit } from '../../entry-benefit';
import { parseTagged, stringifyTagged } from '../../codecs/tagged-json';

/** A row of the entry table as the statements of sql/cache/queries give it, without its keys. */
export type EntryRow = {
  readonly hash: FragmentHash;
  readonly fragment: string;
  readonly status: EntryStatus;
  readonly key_count: string;
  readonly has_null_key: boolean;
  readonly snapshot: string | null;
  readonly origin: string | null;
  /** Milliseconds since 1970-01-01 UTC, as numeric. */
  readonly created_at: string;
  readonly last_used_at: string;
  readonly compute_ms: number;
  readonly error: string | null;
  readonly failures: number | null;
  readonly bytes: string | null;
  readonly uses: string;
  readonly saved_ms: number;
};

/** What the statements that intersect give. */
export type IntersectionRow = {
  readonly hits: string[] | null;
  readonly has_null_key: boolean;
  /** Each set has as many keys as it is said to have; if not, the rest is of no use. */
  readonly is_sound: boolean;
  readonly keys: Buffer | null;
};

/** Throws DamagedRecordError for a row that another version has written, or somebody else, in another form. */
export function descriptionOfRow(partitionKey: string, row: EntryRow): EntryDescription {
  const description = checkDescription({
    fragment: parseFragment(row.fragment),
    status: row.status,
    keyCount: Number(row.key_count),
    hasNullKey: row.has_null_key,
    snapshot: row.snapshot ?? undefined,
    createdAt: Number(row.created_at),
    lastUsedAt: Number(row.last_used_at),
    computeMs: row.compute_ms,
    error: row.error ?? undefined,
    ...(row.failures === null ? {} : { failures: row.failures }),
    ...(row.bytes === null ? {} : { bytes: Number(row.bytes) }),
    ...(row.origin === null ? {} : { origin: JSON.parse(row.origin) as unknown }),
  });
  const { fragment } = description;
  if (fragment.hash !== row.hash || fragment.partitionKey !== partitionKey)
    throw new DamagedRecordError('belongs to another entry');
  return withBenefit(description, { uses: Number(row.uses), savedMs: row.saved_ms });
}

function parseFragment(text: string): unknown {
  try {
    return parseTagged(text);
  } catch (cause) {
    throw new DamagedRecordError('is of no version that is known', { cause });
  }
}

/** The parameters $2 to $15 of put-entry.sql. */
export function parametersOf(entry: EntryDescription): readonly unknown[] {
  const { fragment } = entry;
  return [
    fragment.partitionKey,
    hashBytes(fragment.hash),
    stringifyTagged(fragment),
    entry.status,
    entry.keyCount,
    entry.hasNullKey,
    entry.snapshot ?? null,
    entry.origin === undefined ? null : JSON.stringify(entry.origin),
    entry.createdAt,
    entry.lastUsedAt,
    entry.computeMs,
    // An error's message may quote anything; PostgreSQL's text holds no NUL.
    entry.error?.replaceAll('\0', '\ufffd') ?? null,
    entry.failures ?? null,
    entry.bytes ?? null,
  ];
}

export function hashBytes(hash: FragmentHash): Buffer {
  return Buffer.from(hash, 'hex');
}
