import { Column } from './column';
import { shortDigest, type Digest } from './digest';
import { RowIndex } from './row-index';

const root = 0;
/** The words of a node, side by side: one look into memory finds them all. */
const wordsPerNode = 4;
const parentAt = 0;
const conjunctAt = 1;
/** The first entry whose conjuncts are this set, plus 1; 0 for none. */
const entryAt = 2;
/** How many children there are, up to 65,535, which means that many or more; above that, a bit for one child or some of them. */
const childrenAt = 3;
const maxChildren = 0xffff;

/**
 * Sets of conjuncts, by 32 bits of their digests, as paths from a root: each node is a set, its parent the same set without
 * the last conjunct. Nodes are found by parent and conjunct, never listed, so that it does not matter how many children a node
 * has. 24 bytes a node.
 *
 * Which sets are subsets of a block's m conjuncts is found by following every path that the block can take. That is at most
 * m questions for each node it gets to, and it gets to those only whose conjuncts are all in the block: the sets looked for,
 * and sets that others begin with. A path begins with the conjunct that fewest begin with, so that these are few: one that
 * many entries share, such as `type = 'x'`, is seldom the first.
 */
export class ConjunctTrie {
  readonly #nodes = new Column(Uint32Array);
  readonly #index = new RowIndex((node) => hashOf(this.#get(node, parentAt), this.#get(node, conjunctAt)));
  #length = 1;
  /** The first of the nodes that can be used again, linked by `parentAt`. */
  #free = root;

  /** How many paths begin with a conjunct, up to 65,536. */
  branchesBelow(conjunct: Digest): number {
    const node = this.#child(root, shortDigest(conjunct));
    return node === root ? 0 : this.#childCount(node) + (this.firstEntry(node) === 0 ? 0 : 1);
  }

  /** The node of a path, made if there is none. Remove it with `prune` when it has no entries any more. */
  nodeOf(path: readonly Digest[]): number {
    let node = root;
    for (const digest of path) {
      const conjunct = shortDigest(digest);
      const known = this.#child(node, conjunct);
      node = known === root ? this.#add(node, conjunct) : known;
    }
    return node;
  }

  firstEntry(node: number): number {
    return this.#get(node, entryAt);
  }

  setFirstEntry(node: number, entry: number): void {
    this.#set(node, entryAt, entry);
  }

  /** Removes a node that is of no use any more, and those above that were there for it only. */
  prune(from: number): void {
    let node = from;
    while (node !== root && this.firstEntry(node) === 0 && this.#childCount(node) === 0) {
      const parent = this.#get(node, parentAt);
      this.#index.remove(node);
      // A node that has had too many to count stays.
      if (this.#childCount(parent) < maxChildren)
        this.#set(parent, childrenAt, this.#get(parent, childrenAt) - 1);
      this.#set(node, parentAt, this.#free);
      this.#free = node;
      node = parent;
    }
  }

  /**
   * Visits the nodes with entries whose conjuncts are all among the given ones. `path` has their positions there, and is only
   * good during the call. Ends early after `maxSteps` questions.
   */
  visitSubsets(
    digests: readonly Digest[],
    maxSteps: number,
    visit: (node: number, path: readonly number[]) => void,
  ): void {
    let stepsLeft = maxSteps;
    const conjuncts = Uint32Array.from(digests, shortDigest);
    const path: number[] = [];
    const isTaken = new Uint8Array(conjuncts.length);
    const descend = (node: number): void => {
      if (this.firstEntry(node) !== 0) visit(node, path);
      const children = this.#get(node, childrenAt);
      if (children === 0) return;
      for (let i = 0; i < conjuncts.length; i++) {
        const conjunct = conjuncts[i] ?? 0;
        if (isTaken[i] === 1) continue;
        if (--stepsLeft < 0) return;
        if ((children & childBit(conjunct)) === 0) continue;
        const child = this.#child(node, conjunct);
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

  /** The root if there is none. */
  #child(parent: number, conjunct: number): number {
    for (let at = this.#index.first(hashOf(parent, conjunct)); at !== 0; at = this.#index.after(at - 1)) {
      if (this.#get(at - 1, conjunctAt) === conjunct && this.#get(at - 1, parentAt) === parent) return at - 1;
    }
    return root;
  }

  #add(parent: number, conjunct: number): number {
    const node = this.#free === root ? this.#length++ : this.#free;
    if (node === this.#free) this.#free = this.#get(node, parentAt);
    this.#set(node, parentAt, parent);
    this.#set(node, conjunctAt, conjunct);
    this.#set(node, entryAt, 0);
    this.#set(node, childrenAt, 0);
    const siblings = this.#get(parent, childrenAt) | childBit(conjunct);
    this.#set(parent, childrenAt, this.#childCount(parent) < maxChildren ? siblings + 1 : siblings);
    this.#index.add(node);
    return node;
  }

  #childCount(node: number): number {
    return this.#get(node, childrenAt) & maxChildren;
  }

  #get(node: number, word: number): number {
    return this.#nodes.get(node * wordsPerNode + word);
  }

  #set(node: number, word: number, value: number): void {
    this.#nodes.set(node * wordsPerNode + word, value);
  }
}

function hashOf(parent: number, conjunct: number): number {
  const mixed = Math.imul(conjunct ^ Math.imul(parent, 0x9e3779b1), 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** One of the 16 bits above the number of children. */
function childBit(conjunct: number): number {
  return 0x1_0000 << (conjunct >>> 28);
}
