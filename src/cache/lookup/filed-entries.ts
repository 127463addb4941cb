import type { Fragment } from '../../query/fragment/fragment';
import { Arrangements, type Arrangement } from './arrangements';
import { Column } from './column';
import { digestConjunct, digestForm, digestTable } from './conjunct-digest';
import { ConjunctTrie } from './conjunct-trie';
import type { Digest } from './digest';
import type { Scope } from './scopes';

interface Step {
  readonly digest: Digest;
  readonly template: string;
  readonly tables: readonly Digest[];
  /** How many entries' paths begin with it. */
  readonly popularity: number;
}

/** Rows of entries, filed under their conjuncts. 16 bytes a row, and 24 for each conjunct that no other entry has. */
export class FiledEntries {
  readonly #trie = new ConjunctTrie();
  readonly #arrangements = new Arrangements();
  /** By row; 0, the root, if it is not filed. */
  readonly #nodes = new Column(Uint32Array);
  readonly #arrangementOf = new Column(Uint32Array);
  /** The next row of the same node, plus 1. */
  readonly #next = new Column(Uint32Array);
  readonly #formOf = new Column(Uint32Array);
  readonly #forms = new Map<Digest, number>();
  /** Number of rows whose path begins with a conjunct of that form. */
  readonly #formCounts: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(row: number): boolean {
    return this.#nodes.get(row) !== 0;
  }

  /** Whether a path begins with a conjunct of this form. */
  hasForm(form: Digest): boolean {
    const number = this.#forms.get(form);
    return number !== undefined && (this.#formCounts[number] ?? 0) > 0;
  }

  /** Calls back for each row whose conjuncts are all among the given ones; see ConjunctTrie. */
  visit(
    digests: readonly Digest[],
    maxSteps: number,
    found: (row: number, arrangement: Arrangement, path: readonly number[]) => void,
  ): void {
    this.#trie.visitSubsets(digests, maxSteps, (node, path) => {
      for (let at = this.#trie.firstEntry(node); at !== 0; at = this.#next.get(at - 1)) {
        const arrangement = this.#arrangements.at(this.#arrangementOf.get(at - 1));
        if (arrangement !== undefined) found(at - 1, arrangement, path);
      }
    });
  }

  /** A fragment without conjuncts keeps every key, and is not filed. */
  add(row: number, { tables, conjuncts }: Fragment, scope: Scope): void {
    const tableDigests = tables.map(digestTable);
    const steps: Step[] = [];
    const stepOf = conjuncts.map(({ template, slots }) => {
      const at = slots.map((slot) => tableDigests[slot] ?? 0);
      const digest = digestConjunct(scope, template, at);
      const known = steps.find((step) => step.digest === digest);
      if (known !== undefined) return known;
      const step = { digest, template, tables: at, popularity: this.#trie.branchesBelow(digest) };
      steps.push(step);
      return step;
    });
    const [initial] = steps;
    if (initial === undefined) return;
    const first = steps.reduce((least, step) => (step.popularity < least.popularity ? step : least), initial);
    // The others stay in the fragment's order, or there would be as many arrangements as orders.
    steps.splice(steps.indexOf(first), 1);
    steps.unshift(first);
    const isFree = (slot: number): boolean => !conjuncts.some(({ slots }) => slots.includes(slot));
    const node = this.#trie.nodeOf(steps.map(({ digest }) => digest));
    this.#nodes.set(row, node);
    this.#next.set(row, this.#trie.firstEntry(node));
    this.#trie.setFirstEntry(node, row + 1);
    this.#arrangementOf.set(
      row,
      this.#arrangements.numberOf({
        conjuncts: conjuncts.map(({ slots }, i) => ({
          step: steps.findIndex((step) => step === stepOf[i]),
          slots,
        })),
        freeTables: tableDigests.flatMap((digest, slot) => (isFree(slot) ? [{ slot, digest }] : [])),
        slotCount: tables.length,
      }),
    );
    this.#countForm(row, digestForm(scope, first.template, first.tables));
    this.#size++;
  }

  remove(row: number): void {
    const node = this.#nodes.get(row);
    if (node === 0) return;
    this.#unlink(row, node);
    this.#trie.prune(node);
    this.#nodes.set(row, 0);
    const form = this.#formOf.get(row);
    this.#formCounts[form] = (this.#formCounts[form] ?? 1) - 1;
    this.#size--;
  }

  #unlink(row: number, node: number): void {
    const after = this.#next.get(row);
    if (this.#trie.firstEntry(node) === row + 1) {
      this.#trie.setFirstEntry(node, after);
      return;
    }
    for (let at = this.#trie.firstEntry(node); at !== 0; at = this.#next.get(at - 1)) {
      if (this.#next.get(at - 1) !== row + 1) continue;
      this.#next.set(at - 1, after);
      return;
    }
  }

  #countForm(row: number, form: Digest): void {
    const number = this.#forms.get(form) ?? this.#formCounts.push(0) - 1;
    this.#forms.set(form, number);
    this.#formOf.set(row, number);
    this.#formCounts[number] = (this.#formCounts[number] ?? 0) + 1;
  }
}
