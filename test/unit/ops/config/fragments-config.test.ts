import { checkConfig } from '../../../../src/ops/config/check-config';
import { readConfig } from '../../../../src/ops/config/read-config';
import { showConfig } from '../../../../src/ops/config/show-config';
import { ConfigError } from '../../../../src/errors/config-error';
import {
  defaultFragmentOptions,
  type FragmentOptions,
} from '../../../../src/query/fragment/fragment-options';

const sources = { source: 'f', environment: {}, workingDirectory: '/' };

function withFragments(fragments: string): string {
  return `
databases:
  places:
    control: { user: pcache }
    partition_keys:
      region:
        datatype: integer
        consistency: static
        tables: { public.place: region_id, 'public."Region"': region_id }
        fragments: ${fragments}
`;
}

function read(fragments: string): FragmentOptions | undefined {
  return readConfig(withFragments(fragments), sources).databases.get('places')?.partitionKeys.get('region')
    ?.fragments;
}

function problemsOf(fragments: string): readonly string[] {
  try {
    read(fragments);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
}

test('applies: every option of a key, and of a table', () => {
  const options = `{ ${[
    'follow_graph: false, min_component_size: 2, max_component_size: 4, max_fragments: 100, partition_join_table: rm',
    `auto_detect_partition_join: false, bucket_steps: 0.1, add_constraints: { public.place: kind = 'park' }`,
    'remove_constraints_all: [seen, Odd Name], remove_constraints_add: [kind], warn_no_partition_key: false',
    `tables: { 'public."Region"': { bucket_steps: 0, remove_constraints_all: [] }, public.place: { remove_constraints_add: [a] } }`,
  ].join(', ')} }`;
  expect(read(options)).toEqual({
    followGraph: false,
    minComponentSize: 2,
    maxComponentSize: 4,
    maxFragments: 100,
    partitionJoinTable: 'rm',
    autoDetectPartitionJoin: false,
    bucketSteps: '0.1',
    addConstraints: new Map([['public.place', "kind = 'park'"]]),
    removeConstraintsAll: ['seen', 'Odd Name'],
    removeConstraintsAdd: ['kind'],
    warnNoPartitionKey: false,
    tables: new Map([
      ['public.Region', { bucketSteps: '0', removeConstraintsAll: [] }],
      ['public.place', { removeConstraintsAdd: ['a'] }],
    ]),
  });
});

test.each([
  ['star_join_table: rm', { partitionJoinTable: 'rm' }, 'partition_join_table'],
  ['auto_detect_star_join: false', { autoDetectPartitionJoin: false }, 'auto_detect_partition_join'],
  [
    'no_auto_detect_star_join: true',
    { autoDetectPartitionJoin: false },
    'auto_detect_partition_join, which says the opposite',
  ],
  ['no_auto_detect_partition_join: false', {}, 'auto_detect_partition_join, which says the opposite'],
  [
    'no_warn_partition_key: true',
    { warnNoPartitionKey: false },
    'warn_no_partition_key, which says the opposite',
  ],
])('applies: the old name in %j, and says the new one', (written, expected, newName) => {
  const text = withFragments(`{ ${written} }`);
  expect(read(`{ ${written} }`)).toEqual({ ...defaultFragmentOptions, ...expected });
  const place = `databases.places.partition_keys.region.fragments.${written.replace(/:.*/, '')}`;
  expect(readConfig(text, sources).notices).toEqual([`${place}: the new name is ${newName}`]);
});

test('says nothing of new names', () => {
  expect(readConfig(withFragments('{ partition_join_table: rm }'), sources).notices).toEqual([]);
});

test.each([
  [
    'both names',
    '{ star_join_table: a, partition_join_table: b }',
    /star_join_table: is the old name of partition_join_table/,
  ],
  [
    'an old name with a wrong value',
    '{ no_auto_detect_star_join: 1 }',
    /no_auto_detect_star_join: expected true or false; the new name is/,
  ],
  ['a step below zero', '{ bucket_steps: -1 }', /bucket_steps: expected a number from 0, got -1/],
  [
    'a step that is no number',
    '{ bucket_steps: wide }',
    /bucket_steps: expected a number from 0, got "wide"/,
  ],
  [
    'sizes that exclude everything',
    '{ min_component_size: 3, max_component_size: 2 }',
    /min_component_size: is more than/,
  ],
  ['a size of nothing', '{ min_component_size: 0 }', /expected a whole number from 1 to 16/],
  [
    'a condition on another table',
    '{ add_constraints: { public.shop: a = 1 } }',
    /is none of the tables of the key/,
  ],
  [
    'options of another table',
    '{ tables: { place: { bucket_steps: 1 } } }',
    /is none of the tables of the key/,
  ],
  [
    'an option a table has not',
    '{ tables: { public.place: { follow_graph: true } } }',
    /follow_graph: unknown option/,
  ],
  [
    'a text for a list',
    '{ remove_constraints_all: kind }',
    /remove_constraints_all: expected a list of names, got "kind"/,
  ],
  [
    'a number in a list',
    '{ remove_constraints_add: [kind, 1] }',
    /remove_constraints_add.*: expected a name, got/,
  ],
  ['an unknown option', '{ folow_graph: true }', /did you mean follow_graph\?/],
])('refuses: %s', (_title, fragments, message) => {
  const problems = problemsOf(fragments);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(message);
});

test('is shown with its defaults, under its new names, and means the same', () => {
  const text = withFragments(
    '{ star_join_table: rm, bucket_steps: 100, tables: { public.place: { bucket_steps: 50 } } }',
  );
  const shown = showConfig(checkConfig(text, sources));
  expect(shown).toContain('partition_join_table: rm');
  expect(shown).toContain('follow_graph: true # default');
  expect(shown).toMatch(/bucket_steps: 100$/m);
  expect({ ...readConfig(shown, sources), notices: [] }).toEqual({
    ...readConfig(text, sources),
    notices: [],
  });
});
