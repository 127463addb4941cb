import * as fc from 'fast-check';
import { ConjunctTrie } from '../../../../src/cache/lookup/conjunct-trie';

const digest = (conjunct: number): number => (conjunct + 1) * 2_654_435_761;

function subsetsIn(
  trie: ConjunctTrie,
  conjuncts: readonly number[],
  maxSteps = 1_000_000,
): readonly number[] {
  const found: number[] = [];
  trie.visitSubsets(conjuncts.map(digest), maxSteps, (node) => found.push(trie.firstEntry(node)));
  return found.sort((a, b) => a - b);
}

test('the subsets are found, whatever order each path has and whatever has been removed', () => {
  const path = fc.uniqueArray(fc.nat(6), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.uniqueArray(path, { maxLength: 60, selector: (each) => each.join() }),
      fc.array(fc.nat(59), { maxLength: 40 }),
      fc.uniqueArray(fc.nat(6), { maxLength: 7 }),
      (paths, removed, asked) => {
        const trie = new ConjunctTrie();
        const kept = new Map<number, readonly number[]>();
        const put = (entry: number, conjuncts: readonly number[]): void => {
          trie.setFirstEntry(trie.nodeOf(conjuncts.map(digest)), entry);
          kept.set(entry, conjuncts);
        };
        for (const [i, each] of paths.entries()) put(i + 1, each);
        for (const i of removed) {
          const each = kept.get(i + 1);
          if (each === undefined) continue;
          const node = trie.nodeOf(each.map(digest));
          trie.setFirstEntry(node, 0);
          trie.prune(node);
          kept.delete(i + 1);
        }
        for (const i of removed.slice(0, 5)) {
          const again = paths[i];
          if (again !== undefined) put(i + 1, again);
        }
        const expected = [...kept].flatMap(([entry, each]) =>
          each.every((conjunct) => asked.includes(conjunct)) ? [entry] : [],
        );
        expect(subsetsIn(trie, asked)).toEqual(expected.sort((a, b) => a - b));
      },
    ),
    { numRuns: 300 },
  );
});

test('a node with more children than it counts is found as before, and stays', () => {
  const trie = new ConjunctTrie();
  const many = 70_000;
  for (let i = 1; i <= many; i++) trie.setFirstEntry(trie.nodeOf([digest(0), digest(i)]), i);
  expect(subsetsIn(trie, [0, many, many + 1])).toEqual([many]);
  for (let i = 1; i <= many; i++) {
    const node = trie.nodeOf([digest(0), digest(i)]);
    trie.setFirstEntry(node, 0);
    trie.prune(node);
  }
  expect(subsetsIn(trie, [0, 1, many])).toEqual([]);
  trie.setFirstEntry(trie.nodeOf([digest(0), digest(5)]), 5);
  expect(subsetsIn(trie, [0, 5])).toEqual([5]);
});
