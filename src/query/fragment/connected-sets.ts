/** Which tables have a condition with which, by their number in the block. */
export type Neighbours = ReadonlyMap<number, ReadonlySet<number>>;

export interface SetBounds {
  readonly minSize: number;
  readonly maxSize: number;
  /** No more sets than this are made. */
  readonly maxSets: number;
}

/** Sets looked at, small ones to grow from among them: with a minimal size in the way of many, the large ones are missed. */
const maxVisits = 2_000;

/** Tables are neighbours if a condition mentions both. */
export function neighboursByConjuncts(
  tables: readonly number[],
  conjuncts: readonly { readonly tables: readonly number[] }[],
): Neighbours {
  const neighbours = new Map(tables.map((table) => [table, new Set<number>()]));
  for (const conjunct of conjuncts) {
    for (const table of conjunct.tables)
      for (const other of conjunct.tables)
        if (other !== table && neighbours.has(other)) neighbours.get(table)?.add(other);
  }
  return neighbours;
}

/** All are neighbours of all. */
export function neighboursOfAll(tables: readonly number[]): Neighbours {
  return new Map(tables.map((table) => [table, new Set(tables.filter((other) => other !== table))]));
}

/**
 * Connected sets of tables in ascending order, each once: first each component as a whole, the largest first, then single
 * tables and those grown from them, the smallest first, as they are asked for. It ends when there are enough.
 */
export function* connectedSets(
  neighbours: Neighbours,
  { minSize, maxSize, maxSets }: SetBounds,
): Generator<readonly number[], void> {
  const visited = new Set<string>();
  let made = 0;
  const isWorthwhile = ({ length }: readonly number[]): boolean => length >= minSize && length <= maxSize;
  const isFull = (): boolean => made >= maxSets || visited.size >= maxVisits;
  for (const component of componentsOf(neighbours)) {
    if (isFull() || !isWorthwhile(component)) continue;
    visited.add(component.join());
    made++;
    yield component;
  }
  // A single table may be a component, and be grown all the same.
  let growing: readonly (readonly number[])[] = [...neighbours.keys()].map((table) => [table]);
  for (const single of growing) {
    if (isFull() || visited.has(single.join())) continue;
    visited.add(single.join());
    if (!isWorthwhile(single)) continue;
    made++;
    yield single;
  }
  for (let size = 2; size <= maxSize && growing.length > 0 && !isFull(); size++) {
    const grown: (readonly number[])[] = [];
    for (const set of growing) {
      for (const next of new Set(set.flatMap((table) => [...(neighbours.get(table) ?? [])]))) {
        if (isFull()) return;
        if (set.includes(next)) continue;
        const larger = [...set, next].sort((a, b) => a - b);
        const name = larger.join();
        if (visited.has(name)) continue;
        visited.add(name);
        grown.push(larger);
        if (!isWorthwhile(larger)) continue;
        made++;
        yield larger;
      }
    }
    growing = grown;
  }
}

function componentsOf(neighbours: Neighbours): readonly (readonly number[])[] {
  const seen = new Set<number>();
  const components: number[][] = [];
  for (const table of neighbours.keys()) {
    if (seen.has(table)) continue;
    const reached = new Set([table]);
    for (const index of reached) for (const next of neighbours.get(index) ?? []) reached.add(next);
    for (const index of reached) seen.add(index);
    components.push([...reached].sort((a, b) => a - b));
  }
  return components.sort((a, b) => b.length - a.length);
}
