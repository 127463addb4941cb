import type { FragmentHash } from '../../query/fragment/fragment';
import type { EntryDescription, EntryStatus } from '../cache-backend';
import { Column } from './column';
import type { KnownEntry } from './known-entry';
import { Origins } from './origins';
import { RowIndex } from './row-index';
import type { Scope, Scopes } from './scopes';
import { SnapshotColumn } from './snapshot-column';

export const statuses = ['ok', 'timeout', 'too_large', 'failed'] as const satisfies readonly EntryStatus[];
/** In `#state`: the status in the low bits, then these. */
const statusBits = 3;
const nullKeyBit = 4;
const inUseBit = 8;
const wordsPerHash = 8;
const maxFailures = 65_534;

/** Entries as rows of numbers, found by hash and partition key. About 60 bytes each besides the hash. Rows are used again. */
export class EntryTable {
  readonly #hashes = new Column(Uint32Array);
  readonly #scopes = new Column(Uint32Array);
  readonly #states = new Column(Uint8Array);
  readonly #keyCounts = new Column(Uint32Array);
  readonly #createdAt = new Column(Float64Array);
  readonly #lastUsedAt = new Column(Float64Array);
  readonly #computeMs = new Column(Float64Array);
  /** Numbers of origins, plus 1; 0 for absent. */
  readonly #originOf = new Column(Uint32Array);
  readonly #origins = new Origins();
  /** Plus 1; 0 for absent. */
  readonly #failures = new Column(Uint16Array);
  readonly #snapshots = new SnapshotColumn();
  /** Of the few that have one. */
  readonly #errors = new Map<number, string>();
  readonly #index = new RowIndex((row) => this.#hashes.get(row * wordsPerHash));
  readonly #free: number[] = [];
  readonly #sought = new Uint32Array(wordsPerHash);
  /** What `#sought` was read from. */
  #soughtText: string | undefined;
  #length = 0;

  constructor(private readonly scopes: Scopes) {}

  get size(): number {
    return this.#length - this.#free.length;
  }

  /** How many rows there are, those included that are not in use. */
  get length(): number {
    return this.#length;
  }

  find(partitionKey: string, hash: FragmentHash): number | undefined {
    if (!this.#seek(hash)) return undefined;
    for (let at = this.#index.first(this.#sought[0] ?? 0); at !== 0; at = this.#index.after(at - 1)) {
      if (this.#hasSoughtHash(at - 1) && this.scopeOf(at - 1)?.partitionKey === partitionKey) return at - 1;
    }
    return undefined;
  }

  /** A new row. Throws if the hash is none, which backends refuse. */
  add(scope: Scope, hash: FragmentHash): number {
    if (!this.#seek(hash)) throw new TypeError(`not a fragment hash: ${JSON.stringify(hash)}`);
    const row = this.#free.pop() ?? this.#length++;
    for (let i = 0; i < wordsPerHash; i++) this.#hashes.set(row * wordsPerHash + i, this.#sought[i] ?? 0);
    this.#scopes.set(row, scope.number);
    this.#states.set(row, inUseBit);
    this.#index.add(row);
    return row;
  }

  write(row: number, entry: EntryDescription): void {
    const { status, hasNullKey, failures, error } = entry;
    this.#states.set(row, inUseBit | statuses.indexOf(status) | (hasNullKey ? nullKeyBit : 0));
    this.#keyCounts.set(row, entry.keyCount);
    this.#createdAt.set(row, entry.createdAt);
    this.#lastUsedAt.set(row, entry.lastUsedAt);
    this.#computeMs.set(row, entry.computeMs);
    this.#failures.set(row, failures === undefined ? 0 : Math.min(failures, maxFailures) + 1);
    this.#snapshots.set(row, entry.snapshot);
    this.#originOf.set(row, entry.origin === undefined ? 0 : this.#origins.numberOf(entry.origin) + 1);
    if (error !== undefined) this.#errors.set(row, error);
    else if (this.#errors.size > 0) this.#errors.delete(row);
  }

  remove(row: number): void {
    this.#index.remove(row);
    this.#errors.delete(row);
    this.#snapshots.set(row, undefined);
    this.#states.set(row, 0);
    this.#free.push(row);
  }

  isInUse(row: number): boolean {
    return (this.#states.get(row) & inUseBit) !== 0;
  }

  scopeOf(row: number): Scope | undefined {
    return this.scopes.at(this.#scopes.get(row));
  }

  statusOf(row: number): EntryStatus {
    return statuses[this.#states.get(row) & statusBits] ?? 'failed';
  }

  keyCountOf(row: number): number {
    return this.#keyCounts.get(row);
  }

  createdAtOf(row: number): number {
    return this.#createdAt.get(row);
  }

  hasHash(row: number, hash: FragmentHash): boolean {
    return this.#seek(hash) && this.#hasSoughtHash(row);
  }

  hashOf(row: number): FragmentHash {
    const word = (_: unknown, i: number): string => this.#hashes.get(row * wordsPerHash + i).toString(16);
    return Array.from({ length: wordsPerHash }, (...at) => word(...at).padStart(8, '0')).join(
      '',
    ) as FragmentHash;
  }

  /** Everything about a row but what it is about. */
  read(row: number): Omit<KnownEntry, 'partitionKey' | 'hash'> {
    const failures = this.#failures.get(row);
    const origin = this.#origins.at(this.#originOf.get(row) - 1);
    return {
      status: this.statusOf(row),
      keyCount: this.keyCountOf(row),
      hasNullKey: (this.#states.get(row) & nullKeyBit) !== 0,
      snapshot: this.#snapshots.get(row),
      ...(origin === undefined ? {} : { origin }),
      createdAt: this.#createdAt.get(row),
      lastUsedAt: this.#lastUsedAt.get(row),
      computeMs: this.#computeMs.get(row),
      error: this.#errors.get(row),
      ...(failures === 0 ? {} : { failures: failures - 1 }),
    };
  }

  /** An entry is mostly looked for before it is added. Returns false if the text is no hash. */
  #seek(hash: FragmentHash): boolean {
    if (hash === this.#soughtText) return true;
    this.#soughtText = undefined;
    if (!readHash(hash, this.#sought)) return false;
    this.#soughtText = hash;
    return true;
  }

  #hasSoughtHash(row: number): boolean {
    const from = row * wordsPerHash;
    for (let i = 0; i < wordsPerHash; i++) if (this.#hashes.get(from + i) !== this.#sought[i]) return false;
    return true;
  }
}

/** Reads 64 hex digits, lower case, into eight words. Returns false if it is something else. */
function readHash(hash: string, words: Uint32Array): boolean {
  if (hash.length !== wordsPerHash * 8) return false;
  for (let word = 0, at = 0; word < wordsPerHash; word++) {
    let value = 0;
    for (const end = at + 8; at < end; at++) {
      const code = hash.charCodeAt(at);
      const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1;
      if (digit < 0) return false;
      value = (value << 4) | digit;
    }
    words[word] = value;
  }
  return true;
}
