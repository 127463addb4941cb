import type { PartitionKeyType } from '../../query/partition-key';

/** An expression of the key in canonical form, and how many bytes its binary format has. */
interface CanonicalKey {
  readonly key: string;
  readonly bytes: string;
}

const key = 'f.key';
const integer = (bytes: number): CanonicalKey => ({ key: `${key}::pg_catalog.int8`, bytes: String(bytes) });
const float = (bytes: number): CanonicalKey => ({
  // One NaN, and no -0: that plus 0 is 0.
  key:
    `CASE WHEN ${key} OPERATOR(pg_catalog.=) 'NaN'::pg_catalog.float8 THEN 'NaN'::pg_catalog.float8 ` +
    `ELSE ${key}::pg_catalog.float8 OPERATOR(pg_catalog.+) 0::pg_catalog.float8 END`,
  bytes: String(bytes),
});
const text: CanonicalKey = {
  key: `${key}::pg_catalog.text COLLATE pg_catalog."C"`,
  bytes: `pg_catalog.octet_length(${key}::pg_catalog.text)`,
};

/** By the same types as binary-key.ts reads, and to the same keys. */
const forms: Readonly<Record<PartitionKeyType, ReadonlyMap<number, CanonicalKey>>> = {
  integer: new Map([
    [21, integer(2)],
    [23, integer(4)],
    [20, integer(8)],
  ]),
  float: new Map([
    [700, float(4)],
    [701, float(8)],
  ]),
  text: new Map([
    [25, text],
    [1043, text],
  ]),
  timestamp: new Map([
    [1114, { key: `${key}::pg_catalog.timestamp`, bytes: '8' }],
    [1184, { key: `pg_catalog.timezone('UTC', ${key}::pg_catalog.timestamptz)`, bytes: '8' }],
    [1082, { key: `${key}::pg_catalog.date::pg_catalog.timestamp`, bytes: '4' }],
  ]),
};

/** The types that keys of a datatype are read from. */
export function keyTypeOids(datatype: PartitionKeyType): readonly number[] {
  return [...forms[datatype].keys()];
}

/** What `record_send` puts before a key. */
const recordBytes = 12;

/**
 * A SELECT of a fragment's keys in canonical form, and of the bytes that each counts for, on the server; undefined for a type that no key of the datatype is
 * read from.
 *
 * @param typeOid of the fragment's column; of a domain what it is made of
 */
export function canonicalKeys(
  datatype: PartitionKeyType,
  typeOid: number,
  fragmentSql: string,
): string | undefined {
  const form = forms[datatype].get(typeOid);
  if (form === undefined) return undefined;
  return (
    `SELECT ${form.key} AS key, CASE WHEN ${key} IS NULL THEN ${recordBytes} ` +
    `ELSE ${form.bytes} OPERATOR(pg_catalog.+) ${recordBytes} END AS weight FROM (${fragmentSql}\n) AS f (key)`
  );
}
