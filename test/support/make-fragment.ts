import { createHash } from 'node:crypto';
import type { Fragment, FragmentHash } from '../../src/query/fragment/fragment';

/** A fragment that runs the given text. Texts that differ make fragments that differ, and so do settings. */
export function makeFragment(sql: string, overrides: Partial<Fragment> = {}): Fragment {
  const identity = JSON.stringify([sql, overrides.partitionKey, overrides.settings]);
  return {
    hash: createHash('sha256').update(identity).digest('hex') as FragmentHash,
    partitionKey: 'region',
    datatype: 'integer',
    tables: [{ schema: 'public', name: 'place', only: false, keyColumn: 'region_id' }],
    conjuncts: [],
    sql,
    contextId: 'test',
    settings: {},
    ...overrides,
  };
}
