import type { AnalysedBlock } from '../query/analysis/analyse';
import type { Conjunct } from '../query/analysis/conjuncts';
import type { KeyClass } from '../query/analysis/key-classes';
import { withoutConstants } from '../query/ast/template';
import { fragmentTable } from '../query/fragment/canonical-fragment';
import type { Fragment, FragmentHash, FragmentTable } from '../query/fragment/fragment';
import type { CacheChange, EntryDescription } from './cache-backend';

/**
 * What is known, in memory: every entry's description, found by the conjuncts a statement has. A miss costs no I/O.
 * Each entry is filed under one of its conjuncts, the one that fewest others are filed under, so that a lookup touches few
 * entries besides those that match.
 */
export class Directory {
  readonly #entries = new Map<string, EntryDescription>();
  readonly #byConjunct = new Map<string, Map<string, EntryDescription>>();
  readonly #filedUnder = new Map<string, string>();
  /** Number of entries by what they are filed under, constants left out. */
  readonly #byForm = new Map<string, number>();

  get size(): number {
    return this.#entries.size;
  }

  entries(): IterableIterator<EntryDescription> {
    return this.#entries.values();
  }

  /** Number of entries by partition key and status. */
  counts(): Iterable<{ readonly partitionKey: string; readonly status: string; readonly count: number }> {
    const counts = new Map<string, { partitionKey: string; status: string; count: number }>();
    for (const { fragment, status } of this.#entries.values()) {
      const name = `${status} ${fragment.partitionKey}`;
      const known = counts.get(name) ?? { partitionKey: fragment.partitionKey, status, count: 0 };
      counts.set(name, { ...known, count: known.count + 1 });
    }
    return counts.values();
  }

  get(partitionKey: string, hash: FragmentHash): EntryDescription | undefined {
    return this.#entries.get(entryName(partitionKey, hash));
  }

  /** Keeps up with a backend's change feed. */
  apply(change: CacheChange): void {
    switch (change.kind) {
      case 'put':
        this.put(change.entry);
        return;
      case 'deleted':
        this.#remove(entryName(change.partitionKey, change.hash));
        return;
      case 'dropped':
        for (const [name, { fragment }] of this.#entries)
          if (fragment.partitionKey === change.partitionKey) this.#remove(name);
    }
  }

  put(entry: EntryDescription): void {
    const { fragment } = entry;
    const name = entryName(fragment.partitionKey, fragment.hash);
    this.#remove(name);
    this.#entries.set(name, entry);
    if (entry.status !== 'ok') return;
    const keys = fragment.conjuncts.map((conjunct) =>
      conjunctKeyOf(fragment, conjunct.template, conjunct.slots),
    );
    const [first] = keys;
    if (first === undefined) return;
    const key = keys.reduce(
      (least, other) => (this.#filedCount(other) < this.#filedCount(least) ? other : least),
      first,
    );
    const filed = this.#byConjunct.get(key) ?? new Map<string, EntryDescription>();
    this.#byConjunct.set(key, filed.set(name, entry));
    this.#filedUnder.set(name, key);
    this.#countForm(key, 1);
  }

  /**
   * The usable entries that hold for every row of a block (rule S1): each of their tables stands for another table of the
   * class, and each of their conjuncts is one of the block's over those tables.
   */
  match(block: AnalysedBlock, keyClass: KeyClass, contextId: string): readonly EntryDescription[] {
    if (this.#byConjunct.size === 0) return [];
    const target = new MatchTarget(block, keyClass, contextId);
    const matches = new Set<EntryDescription>();
    for (const key of target.conjunctKeys()) {
      for (const entry of this.#byConjunct.get(key)?.values() ?? []) {
        if (!matches.has(entry) && target.matches(entry.fragment)) matches.add(entry);
      }
    }
    return [...matches];
  }

  /**
   * Whether `match` could find something if other constants stood in the block. If not, there is no need to analyse a
   * statement that differs from this one in constants only.
   */
  mayMatchOtherConstants(block: AnalysedBlock, keyClass: KeyClass, contextId: string): boolean {
    if (this.#byForm.size === 0) return false;
    const target = new MatchTarget(block, keyClass, contextId);
    return [...target.conjunctKeys()].some((key) => this.#byForm.has(withoutConstants(key)));
  }

  #countForm(key: string, change: 1 | -1): void {
    const form = withoutConstants(key);
    const count = (this.#byForm.get(form) ?? 0) + change;
    if (count > 0) this.#byForm.set(form, count);
    else this.#byForm.delete(form);
  }

  #filedCount(key: string): number {
    return this.#byConjunct.get(key)?.size ?? 0;
  }

  #remove(name: string): void {
    this.#entries.delete(name);
    const key = this.#filedUnder.get(name);
    if (key === undefined) return;
    this.#filedUnder.delete(name);
    const filed = this.#byConjunct.get(key);
    filed?.delete(name);
    if (filed?.size === 0) this.#byConjunct.delete(key);
    this.#countForm(key, -1);
  }
}

function entryName(partitionKey: string, hash: FragmentHash): string {
  return `${hash}${partitionKey}`;
}

function tableKey({ schema, name, only, keyColumn, definition }: FragmentTable): string {
  return JSON.stringify([schema, name, only, keyColumn, definition]);
}

/** A conjunct together with the tables it is about: equal keys, equal meaning. */
function conjunctKey(
  contextId: string,
  partitionKey: string,
  template: string,
  tables: readonly string[],
): string {
  return [contextId, partitionKey, template, ...tables].join('\0');
}

function conjunctKeyOf(fragment: Fragment, template: string, slots: readonly number[]): string {
  const tables = slots.map((slot) => {
    const table = fragment.tables[slot];
    return table === undefined ? '' : tableKey(table);
  });
  return conjunctKey(fragment.contextId, fragment.partitionKey, template, tables);
}

/**
 * Attempts to map entries into one block. Where one table occurs many times there may be very many ways; an entry that is not
 * found to match is only a chance that was missed.
 */
const maxSteps = 20_000;

/** A block, prepared to have entries mapped into it. */
class MatchTarget {
  /** Tables of the class, by their number in the block. */
  readonly #tableKeys: ReadonlyMap<number, string>;
  #stepsLeft = maxSteps;
  /** For each conjunct key, the tables it holds for. */
  readonly #occurrences = new Map<string, (readonly number[])[]>();

  constructor(block: AnalysedBlock, keyClass: KeyClass, contextId: string) {
    this.#tableKeys = new Map(
      keyClass.members.map((member) => [member.table.index, tableKey(fragmentTable(member))]),
    );
    for (const conjunct of block.conjuncts) this.#note(conjunct, contextId, keyClass.partitionKey.name);
  }

  conjunctKeys(): Iterable<string> {
    return this.#occurrences.keys();
  }

  /** Each order of a symmetric conjunct's tables has a key of its own: one of the two may be ONLY. */
  #note({ template, tables, isSymmetric }: Conjunct, contextId: string, partitionKey: string): void {
    for (const order of isSymmetric ? [tables, [...tables].reverse()] : [tables]) {
      const keys = order.map((table) => this.#tableKeys.get(table));
      if (keys.some((key) => key === undefined)) return;
      const key = conjunctKey(contextId, partitionKey, template, keys as readonly string[]);
      const occurrences = this.#occurrences.get(key) ?? [];
      occurrences.push(order);
      this.#occurrences.set(key, occurrences);
    }
  }

  /** Whether the fragment's tables can be mapped one to one to the block's so that all its conjuncts are the block's. */
  matches(fragment: Fragment): boolean {
    return this.#assign(fragment, 0, new Map<number, number>());
  }

  #assign(fragment: Fragment, next: number, assigned: ReadonlyMap<number, number>): boolean {
    if (--this.#stepsLeft < 0) return false;
    const conjunct = fragment.conjuncts[next];
    if (conjunct === undefined) return this.#assignRest(fragment, assigned);
    const key = conjunctKeyOf(fragment, conjunct.template, conjunct.slots);
    return (this.#occurrences.get(key) ?? []).some((tables) => {
      const extended = extend(assigned, conjunct.slots, tables);
      return extended !== undefined && this.#assign(fragment, next + 1, extended);
    });
  }

  /** Tables without a conjunct, such as the partition-join table: any table of the same name that is still free will do. */
  #assignRest(fragment: Fragment, assigned: ReadonlyMap<number, number>): boolean {
    const taken = new Set(assigned.values());
    return fragment.tables.every((table, slot) => {
      if (assigned.has(slot)) return true;
      const free = [...this.#tableKeys].find(([index, key]) => !taken.has(index) && key === tableKey(table));
      if (free !== undefined) taken.add(free[0]);
      return free !== undefined;
    });
  }
}

/** Adds slot-to-table assignments; undefined if one contradicts another. */
function extend(
  assigned: ReadonlyMap<number, number>,
  slots: readonly number[],
  tables: readonly number[],
): ReadonlyMap<number, number> | undefined {
  const extended = new Map(assigned);
  for (const [i, slot] of slots.entries()) {
    const table = tables[i];
    const before = extended.get(slot);
    if (table === undefined || (before !== undefined && before !== table)) return undefined;
    if (before === undefined && [...extended.values()].includes(table)) return undefined;
    extended.set(slot, table);
  }
  return extended;
}
