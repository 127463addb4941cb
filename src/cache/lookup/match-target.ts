import type { Conjunct } from '../../query/analysis/conjuncts';
import { fragmentSql } from '../../query/fragment/canonical-fragment';
import type { Fragment, FragmentConjunct, FragmentHash, FragmentTable } from '../../query/fragment/fragment';
import { fragmentHash, identityOf, placedConjunct } from '../../query/fragment/fragment-identity';
import type { Arrangement } from './arrangements';
import { digestConjunct, digestForm, digestTable } from './conjunct-digest';
import type { Digest } from './digest';
import type { MatchSubject } from './match-subject';
import type { Scope } from './scopes';

interface TargetTable {
  /** Its number in the block. */
  readonly index: number;
  readonly table: FragmentTable;
  readonly digest: Digest;
}

/** A conjunct of the block, with the tables that it holds for: in each order, and for each occurrence of like tables. */
interface TargetConjunct {
  readonly conjunct: Conjunct;
  readonly digest: Digest;
  readonly occurrences: (readonly TargetTable[])[];
}

/** An entry laid over a block: for each slot a table of the block, and for each step of the path a conjunct. */
export interface Mapping {
  readonly arrangement: Arrangement;
  readonly path: readonly number[];
  readonly tables: readonly TargetTable[];
}

/**
 * Attempts to map entries into one block. Where one table occurs many times there may be very many ways; an entry that is not
 * found to match is only a chance that was missed.
 */
const maxAttempts = 20_000;

/** A block, prepared to have entries mapped into it. */
export class MatchTarget {
  readonly #tables: ReadonlyMap<number, TargetTable>;
  readonly #conjuncts: TargetConjunct[] = [];
  #attemptsLeft = maxAttempts;

  constructor(
    private readonly subject: MatchSubject,
    private readonly scope: Scope,
  ) {
    this.#tables = new Map(
      subject.tables.map(({ index, table }) => [index, { index, table, digest: digestTable(table) }]),
    );
    const byDigest = new Map<Digest, TargetConjunct>();
    for (const conjunct of subject.conjuncts) this.#note(conjunct, byDigest);
    this.#conjuncts.push(...byDigest.values());
  }

  get digests(): readonly Digest[] {
    return this.#conjuncts.map(({ digest }) => digest);
  }

  /** What the conjuncts' digests would be without their constants. */
  forms(): readonly Digest[] {
    return this.#conjuncts.map(({ conjunct, occurrences: [tables = []] }) =>
      digestForm(
        this.scope,
        conjunct.template,
        tables.map(({ digest }) => digest),
      ),
    );
  }

  /** A way to give each slot a table of its own, so that all conjuncts are the block's; undefined if none was found. */
  map(arrangement: Arrangement, path: readonly number[]): Mapping | undefined {
    if (arrangement.slotCount > this.#tables.size) return undefined;
    const slots: (TargetTable | undefined)[] = [];
    for (let slot = 0; slot < arrangement.slotCount; slot++) slots.push(undefined);
    if (!this.#assign(arrangement, path, 0, slots)) return undefined;
    const tables = slots.filter((table) => table !== undefined);
    return tables.length < arrangement.slotCount ? undefined : { arrangement, path: [...path], tables };
  }

  /** The hash of the fragment that a mapping says the block has. If it is the entry's, they are the same fragment. */
  hashOf({ arrangement, path, tables }: Mapping): FragmentHash {
    const placed = arrangement.conjuncts.map(({ step, slots }) =>
      placedConjunct(this.#templateAt(path[step]), slots),
    );
    const identity = identityOf(
      tables.map(({ table }) => table),
      placed,
    );
    return fragmentHash(this.scope.contextId, this.subject.partitionKey, identity);
  }

  /** The fragment itself, once its hash is certain. */
  fragmentOf({ arrangement, path, tables }: Mapping, hash: FragmentHash): Fragment {
    const conjuncts = arrangement.conjuncts.map(({ step, slots }): FragmentConjunct => {
      const reads = this.#conjuncts[path[step] ?? -1]?.conjunct.reads;
      const placed = { template: this.#templateAt(path[step]), slots };
      return reads === undefined ? placed : { ...placed, reads };
    });
    const { name, datatype } = this.subject.partitionKey;
    const { contextId, settings } = this.scope;
    const fragmentTables = tables.map(({ table }) => table);
    return {
      hash,
      partitionKey: name,
      datatype,
      tables: fragmentTables,
      conjuncts,
      sql: fragmentSql(fragmentTables, conjuncts),
      contextId,
      settings,
    };
  }

  #templateAt(position: number | undefined): string {
    return this.#conjuncts[position ?? -1]?.conjunct.template ?? '';
  }

  /** Each order of a symmetric conjunct's tables has a digest of its own: one of the two may be ONLY. */
  #note(conjunct: Conjunct, byDigest: Map<Digest, TargetConjunct>): void {
    const { template, tables, isSymmetric } = conjunct;
    for (const order of isSymmetric ? [tables, [...tables].reverse()] : [tables]) {
      const occurrence = order.flatMap((index) => this.#tables.get(index) ?? []);
      if (occurrence.length < order.length) return;
      const digest = digestConjunct(
        this.scope,
        template,
        occurrence.map((table) => table.digest),
      );
      const known = byDigest.get(digest);
      if (known === undefined) byDigest.set(digest, { conjunct, digest, occurrences: [occurrence] });
      else known.occurrences.push(occurrence);
    }
  }

  #assign(
    arrangement: Arrangement,
    path: readonly number[],
    next: number,
    slots: (TargetTable | undefined)[],
  ): boolean {
    if (--this.#attemptsLeft < 0) return false;
    const conjunct = arrangement.conjuncts[next];
    if (conjunct === undefined) return this.#assignFree(arrangement, slots);
    const occurrences = this.#conjuncts[path[conjunct.step] ?? -1]?.occurrences ?? [];
    for (const tables of occurrences) {
      const added = place(conjunct.slots, tables, slots);
      if (added === undefined) continue;
      if (this.#assign(arrangement, path, next + 1, slots)) return true;
      for (const slot of added) slots[slot] = undefined;
    }
    return false;
  }

  /** Tables without a conjunct, such as the partition-join table: any table of the same name that is still free will do. */
  #assignFree({ freeTables }: Arrangement, slots: (TargetTable | undefined)[]): boolean {
    for (const { slot, digest } of freeTables) {
      let found: TargetTable | undefined;
      for (const table of this.#tables.values()) {
        if (table.digest === digest && !slots.includes(table)) found = table;
      }
      if (found === undefined) {
        for (const each of freeTables) slots[each.slot] = undefined;
        return false;
      }
      slots[slot] = found;
    }
    return true;
  }
}

/** Puts tables into slots. Returns the slots that were empty before; undefined, and nothing is changed, if it cannot be. */
function place(
  positions: readonly number[],
  tables: readonly TargetTable[],
  slots: (TargetTable | undefined)[],
): readonly number[] | undefined {
  const added: number[] = [];
  for (const [i, slot] of positions.entries()) {
    const table = tables[i];
    const before = slots[slot];
    if (before !== undefined && before === table) continue;
    if (before !== undefined || table === undefined || slots.includes(table)) {
      for (const each of added) slots[each] = undefined;
      return undefined;
    }
    slots[slot] = table;
    added.push(slot);
  }
  return added;
}
