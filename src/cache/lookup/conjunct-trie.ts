import { grown, roomFor } from './columns';
import { foldDigest, type Digest } from './digest';
import { RowIndex } from './row-index';

const root = 0;

/**
 * Sets of conjuncts, by their digests, as paths from a root: each node is a set, its parent the same set without the last
 * conjunct. Nodes are found by parent and conjunct, never listed, so that it does not matter how many children a node has.
 *
 * Which sets are subsets of a block's m conjuncts is found by following every path that the block can take. That is at most
 * m questions for each node it gets to, and it gets to those only whose conjuncts are all in the block: the sets looked for,
 * and sets that others begin with. A path begins with the conjunct that fewest begin with, so that these are few: one that
 * many entries share, such as `type = 'x'`, is seldom the first.
 */
export class ConjunctTrie {
  #parents = new Uint32Array(64);
  #conjuncts = new Float64Array(64);
  #children = new Uint32Array(64);
  /** The first entry whose conjuncts are this set, plus 1; 0 for none. */
  #entries = new Uint32Array(64);
  readonly #index = new RowIndex((node) =>
    this.#hashOf(this.#parents[node] ?? 0, this.#conjuncts[node] ?? 0),
  );
  #length = 1;
  /** The first of the nodes that can be used again, linked by `parents`. */
  #free = root;

  /** How many paths begin with a conjunct. */
  branchesBelow(conjunct: Digest): number {
    const node = this.#child(root, conjunct);
    return node === root ? 0 : (this.#children[node] ?? 0) + ((this.#entries[node] ?? 0) === 0 ? 0 : 1);
  }

  /** The node of a path, made if there is none. Remove it with `prune` when it has no entries any more. */
  nodeOf(path: readonly Digest[]): number {
    let node = root;
    for (const conjunct of path) {
      const known = this.#child(node, conjunct);
      node = known === root ? this.#add(node, conjunct) : known;
    }
    return node;
  }

  firstEntry(node: number): number {
    return this.#entries[node] ?? 0;
  }

  setFirstEntry(node: number, entry: number): void {
    this.#entries[node] = entry;
  }

  /** Removes a node that is of no use any more, and those above that were there for it only. */
  prune(from: number): void {
    let node = from;
    while (node !== root && this.#entries[node] === 0 && this.#children[node] === 0) {
      const parent = this.#parents[node] ?? root;
      this.#index.remove(node);
      this.#children[parent] = (this.#children[parent] ?? 1) - 1;
      this.#parents[node] = this.#free;
      this.#free = node;
      node = parent;
    }
  }

  /**
   * Visits the nodes with entries whose conjuncts are all among the given ones. `path` has their positions there, and is only
   * good during the call. Ends early after `maxSteps` questions.
   */
  visitSubsets(
    conjuncts: readonly Digest[],
    maxSteps: number,
    visit: (node: number, path: readonly number[]) => void,
  ): void {
    let stepsLeft = maxSteps;
    const path: number[] = [];
    const isTaken = new Uint8Array(conjuncts.length);
    const descend = (node: number): void => {
      if (this.#entries[node] !== 0) visit(node, path);
      if (this.#children[node] === 0) return;
      for (let i = 0; i < conjuncts.length; i++) {
        if (isTaken[i] === 1) continue;
        if (--stepsLeft < 0) return;
        const child = this.#child(node, conjuncts[i] ?? 0);
        if (child === root) continue;
        isTaken[i] = 1;
        path.push(i);
        descend(child);
        path.pop();
        isTaken[i] = 0;
      }
    };
    descend(root);
  }

  #hashOf(parent: number, conjunct: Digest): number {
    return foldDigest(conjunct, parent);
  }

  /** The root if there is none. */
  #child(parent: number, conjunct: Digest): number {
    for (
      let at = this.#index.first(this.#hashOf(parent, conjunct));
      at !== 0;
      at = this.#index.after(at - 1)
    ) {
      if (this.#parents[at - 1] === parent && this.#conjuncts[at - 1] === conjunct) return at - 1;
    }
    return root;
  }

  #add(parent: number, conjunct: Digest): number {
    const node = this.#free === root ? this.#length++ : this.#free;
    if (node === this.#free) this.#free = this.#parents[node] ?? root;
    if (node >= this.#parents.length) this.#grow(roomFor(node + 1));
    this.#parents[node] = parent;
    this.#conjuncts[node] = conjunct;
    this.#children[node] = 0;
    this.#entries[node] = 0;
    this.#children[parent] = (this.#children[parent] ?? 0) + 1;
    this.#index.add(node);
    return node;
  }

  #grow(length: number): void {
    this.#parents = grown(this.#parents, length);
    this.#conjuncts = grown(this.#conjuncts, length);
    this.#children = grown(this.#children, length);
    this.#entries = grown(this.#entries, length);
  }
}
