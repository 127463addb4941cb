import type { FragmentHash } from '../../query/fragment/fragment';
import type { EntryDescription, EntryStatus } from '../cache-backend';
import { grown, roomFor } from './columns';
import type { KnownEntry } from './known-entry';
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
  #hashes = new Uint32Array(wordsPerHash * 64);
  #scopes = new Uint32Array(64);
  #states = new Uint8Array(64);
  #keyCounts = new Uint32Array(64);
  #createdAt = new Float64Array(64);
  #lastUsedAt = new Float64Array(64);
  #computeMs = new Float64Array(64);
  /** Plus 1; 0 for absent. */
  #failures = new Uint16Array(64);
  readonly #snapshots = new SnapshotColumn();
  /** Of the few that have one. */
  readonly #errors = new Map<number, string>();
  readonly #index = new RowIndex((row) => this.#hashes[row * wordsPerHash] ?? 0);
  readonly #free: number[] = [];
  readonly #sought = new Uint32Array(wordsPerHash);
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
    if (!readHash(hash, this.#sought)) return undefined;
    for (let at = this.#index.first(this.#sought[0] ?? 0); at !== 0; at = this.#index.after(at - 1)) {
      if (this.#hasSoughtHash(at - 1) && this.scopeOf(at - 1)?.partitionKey === partitionKey) return at - 1;
    }
    return undefined;
  }

  /** A new row. Throws if the hash is none, which backends refuse. */
  add(scope: Scope, hash: FragmentHash): number {
    if (!readHash(hash, this.#sought)) throw new TypeError(`not a fragment hash: ${JSON.stringify(hash)}`);
    const row = this.#free.pop() ?? this.#length++;
    if (row >= this.#scopes.length) this.#grow(roomFor(row + 1));
    this.#hashes.set(this.#sought, row * wordsPerHash);
    this.#scopes[row] = scope.number;
    this.#states[row] = inUseBit;
    this.#index.add(row);
    return row;
  }

  write(row: number, entry: EntryDescription): void {
    const { status, hasNullKey, failures, error } = entry;
    this.#states[row] = inUseBit | statuses.indexOf(status) | (hasNullKey ? nullKeyBit : 0);
    this.#keyCounts[row] = entry.keyCount;
    this.#createdAt[row] = entry.createdAt;
    this.#lastUsedAt[row] = entry.lastUsedAt;
    this.#computeMs[row] = entry.computeMs;
    this.#failures[row] = failures === undefined ? 0 : Math.min(failures, maxFailures) + 1;
    this.#snapshots.set(row, entry.snapshot);
    if (error !== undefined) this.#errors.set(row, error);
    else if (this.#errors.size > 0) this.#errors.delete(row);
  }

  remove(row: number): void {
    this.#index.remove(row);
    this.#errors.delete(row);
    this.#snapshots.set(row, undefined);
    this.#states[row] = 0;
    this.#free.push(row);
  }

  isInUse(row: number): boolean {
    return ((this.#states[row] ?? 0) & inUseBit) !== 0;
  }

  scopeOf(row: number): Scope | undefined {
    return this.scopes.at(this.#scopes[row] ?? 0);
  }

  statusOf(row: number): EntryStatus {
    return statuses[(this.#states[row] ?? 0) & statusBits] ?? 'failed';
  }

  keyCountOf(row: number): number {
    return this.#keyCounts[row] ?? 0;
  }

  hasHash(row: number, hash: FragmentHash): boolean {
    return readHash(hash, this.#sought) && this.#hasSoughtHash(row);
  }

  hashOf(row: number): FragmentHash {
    const words = this.#hashes.subarray(row * wordsPerHash, (row + 1) * wordsPerHash);
    return Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('') as FragmentHash;
  }

  /** Everything about a row but what it is about. */
  read(row: number): Omit<KnownEntry, 'partitionKey' | 'hash'> {
    const failures = this.#failures[row] ?? 0;
    return {
      status: this.statusOf(row),
      keyCount: this.keyCountOf(row),
      hasNullKey: ((this.#states[row] ?? 0) & nullKeyBit) !== 0,
      snapshot: this.#snapshots.get(row),
      createdAt: this.#createdAt[row] ?? 0,
      lastUsedAt: this.#lastUsedAt[row] ?? 0,
      computeMs: this.#computeMs[row] ?? 0,
      error: this.#errors.get(row),
      ...(failures === 0 ? {} : { failures: failures - 1 }),
    };
  }

  #hasSoughtHash(row: number): boolean {
    const from = row * wordsPerHash;
    for (let i = 0; i < wordsPerHash; i++) if (this.#hashes[from + i] !== this.#sought[i]) return false;
    return true;
  }

  #grow(length: number): void {
    this.#hashes = grown(this.#hashes, length * wordsPerHash);
    this.#scopes = grown(this.#scopes, length);
    this.#states = grown(this.#states, length);
    this.#keyCounts = grown(this.#keyCounts, length);
    this.#createdAt = grown(this.#createdAt, length);
    this.#lastUsedAt = grown(this.#lastUsedAt, length);
    this.#computeMs = grown(this.#computeMs, length);
    this.#failures = grown(this.#failures, length);
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
