import type { TrackedKey } from '../../src/engine/database-engine';
import { defaultFragmentOptions, type FragmentOptions } from '../../src/query/fragment/fragment-options';
import type { Random } from './random';

/** Options of a key, of which half have the default ones. Whatever they are, the answers stay the same. */
export function withRandomFragments(key: TrackedKey, random: Random): TrackedKey {
  return random.chance(0.5)
    ? key
    : { ...key, fragments: randomFragmentOptions([...key.tables.keys()], random) };
}

const columns = ['n', 'm', 's', 'x', 'day', 'id'];

function randomFragmentOptions(tables: readonly string[], random: Random): FragmentOptions {
  const steps = (): string => random.pick(['5', '1', '0.5', '3', '0.3', '100']);
  const some = (): readonly string[] => (random.chance(0.25) ? random.sample(columns, random.int(1, 2)) : []);
  const conditions = [`id < 20`, `s = 'k1'`, `m > 3 or n is null`, `id % 2 = 0`, `no_such_column = 1`];
  return {
    ...defaultFragmentOptions,
    followGraph: random.chance(0.5),
    minComponentSize: random.chance(0.15) ? 2 : 1,
    maxComponentSize: random.chance(0.2) ? random.int(2, 3) : 16,
    maxFragments: random.pick([1, 4, 32, 32, 64]),
    partitionJoinTable: random.chance(0.2) ? random.pick(['place', 'zone', 'a', 't1']) : undefined,
    autoDetectPartitionJoin: random.chance(0.7),
    bucketSteps: random.chance(0.7) ? steps() : undefined,
    addConstraints: new Map(
      random.sample(tables, random.int(0, 2)).map((table) => [table, random.pick(conditions)]),
    ),
    removeConstraintsAll: some(),
    removeConstraintsAdd: some(),
    tables: random.chance(0.3)
      ? new Map(
          random
            .sample(tables, 1)
            .map((table) => [table, { bucketSteps: steps(), removeConstraintsAdd: some() }]),
        )
      : new Map(),
  };
}
