import type { AnalysedBlock } from '../query/analysis/analyse';
import type { KeyClass } from '../query/analysis/key-classes';
import type { Fragment, FragmentHash } from '../query/fragment/fragment';
import type { CacheChange, EntryDescription } from './cache-backend';
import { EntryTable, statuses } from './lookup/entry-table';
import { FiledEntries } from './lookup/filed-entries';
import type { KnownEntry } from './lookup/known-entry';
import { type MatchSubject, subjectOfBlock, subjectOfFragment } from './lookup/match-subject';
import { MatchTarget, type Mapping } from './lookup/match-target';
import { Scopes } from './lookup/scopes';

/** Questions asked of the index for one class: what follows from more is a chance that is missed. */
const maxSteps = 50_000;
/** Entries that a class is given, those with fewest keys: more of them hardly narrow it any further. */
export const maxMatches = 256;

/**
 * What is known, in memory: every entry, found by the conjuncts a statement has. A miss costs no I/O.
 *
 * Of an entry only numbers are kept (EntryTable), and where it is filed (FiledEntries: under digests of its conjuncts, in a
 * ConjunctTrie): no text. So nothing that is found by them is certain, and need not be: what an entry would have to be about
 * is put together from the block itself, its SHA-256 taken, and the entry matches only if that is its hash. Neither
 * a digest that two conjuncts share, nor an error in the index, nor a store that says something wrong about a fragment can
 * give a block the keys of another one.
 *
 * A lookup asks at most m * (1 + p) questions, where m is the number of conjuncts of the block and p that of the nodes it gets
 * to: matching entries, and beginnings of other entries whose conjuncts are all in the block. How many entries there are, or
 * share a conjunct, does not matter.
 */
export class Directory {
  #scopes = new Scopes();
  #entries = new EntryTable(this.#scopes);
  #filed = new FiledEntries();
  /** Number of entries by partition key, for each status. */
  readonly #counts = new Map<string, number[]>();

  get size(): number {
    return this.#entries.size;
  }

  *entries(): IterableIterator<KnownEntry> {
    for (let row = 0; row < this.#entries.length; row++) {
      if (this.#entries.isInUse(row)) yield this.#read(row);
    }
  }

  /** Number of entries by partition key and status. */
  *counts(): Iterable<{ readonly partitionKey: string; readonly status: string; readonly count: number }> {
    for (const [partitionKey, counts] of this.#counts) {
      for (const [i, status] of statuses.entries()) {
        const count = counts[i] ?? 0;
        if (count > 0) yield { partitionKey, status, count };
      }
    }
  }

  /** Of the usable entries: how many, and when they were made, in milliseconds since 1970 (Infinity if there are none). */
  ages(): { readonly count: number; readonly sumMs: number; readonly firstMs: number } {
    let [count, sumMs, firstMs] = [0, 0, Infinity];
    for (let row = 0; row < this.#entries.length; row++) {
      if (!this.#entries.isInUse(row) || this.#entries.statusOf(row) !== 'ok') continue;
      const createdAt = this.#entries.createdAtOf(row);
      count++;
      sumMs += createdAt;
      firstMs = Math.min(firstMs, createdAt);
    }
    return { count, sumMs, firstMs };
  }

  get(partitionKey: string, hash: FragmentHash): KnownEntry | undefined {
    const row = this.#entries.find(partitionKey, hash);
    return row === undefined ? undefined : this.#read(row);
  }

  /** Keeps up with a backend's change feed. */
  apply(change: CacheChange): void {
    switch (change.kind) {
      case 'put':
        this.put(change.entry);
        return;
      case 'deleted': {
        const row = this.#entries.find(change.partitionKey, change.hash);
        if (row !== undefined) this.#remove(row);
        return;
      }
      case 'dropped':
        this.#drop(change.partitionKey);
    }
  }

  put(entry: EntryDescription): void {
    const { fragment, status } = entry;
    const known = this.#entries.find(fragment.partitionKey, fragment.hash);
    const scope = this.#scopes.of(fragment);
    const row = known ?? this.#entries.add(scope, fragment.hash);
    if (known !== undefined) this.#count(fragment.partitionKey, this.#entries.statusOf(known), -1);
    this.#entries.write(row, entry);
    this.#count(fragment.partitionKey, status, 1);
    // Equal hashes, equal fragments: it is filed where it was.
    if (status !== 'ok') this.#filed.remove(row);
    else if (!this.#filed.has(row)) this.#filed.add(row, fragment, scope);
  }

  /**
   * The usable entries that hold for every row of a block (rule S1), fewest keys first: each of their tables stands for another
   * table of the class, and each of their conjuncts is one of the block's over those tables.
   */
  match(block: AnalysedBlock, keyClass: KeyClass, contextId: string): readonly EntryDescription[] {
    return this.#match(contextId, keyClass.partitionKey.name, () => subjectOfBlock(block, keyClass));
  }

  /** The usable entries whose keys are all that a fragment can have, itself among them; fewest keys first. */
  matchFragment(fragment: Fragment): readonly EntryDescription[] {
    return this.#match(fragment.contextId, fragment.partitionKey, () => subjectOfFragment(fragment));
  }

  #match(contextId: string, partitionKey: string, subject: () => MatchSubject): readonly EntryDescription[] {
    const scope = this.#scopes.find(contextId, partitionKey);
    if (scope === undefined || this.#filed.size === 0) return [];
    const target = new MatchTarget(subject(), scope);
    const candidates: { readonly row: number; readonly mapping: Mapping }[] = [];
    this.#filed.visit(target.digests, maxSteps, (row, arrangement, path) => {
      const mapping = target.map(arrangement, path);
      if (mapping !== undefined) candidates.push({ row, mapping });
    });
    candidates.sort((a, b) => this.#entries.keyCountOf(a.row) - this.#entries.keyCountOf(b.row));
    return candidates.slice(0, maxMatches).flatMap(({ row, mapping }) => {
      const hash = target.hashOf(mapping);
      if (!this.#entries.hasHash(row, hash)) return [];
      const fragment: Fragment = target.fragmentOf(mapping, hash);
      return [{ fragment, ...this.#entries.read(row) }];
    });
  }

  /**
   * Whether `match` could find something if other constants stood in the block. If not, there is no need to analyse a
   * statement that differs from this one in constants only.
   */
  mayMatchOtherConstants(block: AnalysedBlock, keyClass: KeyClass, contextId: string): boolean {
    const scope = this.#scopes.find(contextId, keyClass.partitionKey.name);
    if (scope === undefined || this.#filed.size === 0) return false;
    return new MatchTarget(subjectOfBlock(block, keyClass), scope)
      .forms()
      .some((form) => this.#filed.hasForm(form));
  }

  #read(row: number): KnownEntry {
    const partitionKey = this.#entries.scopeOf(row)?.partitionKey ?? '';
    return { partitionKey, hash: this.#entries.hashOf(row), ...this.#entries.read(row) };
  }

  #count(partitionKey: string, status: EntryDescription['status'], change: 1 | -1): void {
    const counts = this.#counts.get(partitionKey) ?? statuses.map(() => 0);
    this.#counts.set(partitionKey, counts);
    const i = statuses.indexOf(status);
    counts[i] = (counts[i] ?? 0) + change;
  }

  #remove(row: number): void {
    this.#count(this.#entries.scopeOf(row)?.partitionKey ?? '', this.#entries.statusOf(row), -1);
    this.#filed.remove(row);
    this.#entries.remove(row);
  }

  #drop(partitionKey: string): void {
    const count = (this.#counts.get(partitionKey) ?? []).reduce((sum, each) => sum + each, 0);
    this.#counts.delete(partitionKey);
    if (count === this.#entries.size) {
      this.#scopes = new Scopes();
      this.#entries = new EntryTable(this.#scopes);
      this.#filed = new FiledEntries();
      return;
    }
    for (let row = 0; count > 0 && row < this.#entries.length; row++) {
      if (this.#entries.isInUse(row) && this.#entries.scopeOf(row)?.partitionKey === partitionKey)
        this.#remove(row);
    }
    this.#counts.delete(partitionKey);
  }
}
