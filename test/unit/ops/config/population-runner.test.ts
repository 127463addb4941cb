import { ConfigError } from '../../../../src/errors/config-error';
import { readConfig } from '../../../../src/ops/config/read-config';

const sources = { source: 'f', environment: { PASSWORD: 'sesame' }, workingDirectory: '/work' };

function database(name: string, source = ''): string {
  return `
  ${name}:
    control: { user: pcache, password_env: PASSWORD }
    ${source}
    partition_keys:
      region: { datatype: integer, consistency: static, tables: { public.place: region_id } }`;
}

/** What is wrong with a configuration whose database runs its fragments itself. */
function problemsOf(cache: string, { queue = '{}', databases = database('places') } = {}): readonly string[] {
  const text = `population: { run_by: database }\nqueue: ${queue}\ncache: ${cache}\ndatabases:${databases}`;
  try {
    readConfig(text, sources);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
}

const postgresql = '{ backend: postgresql_array }';

test.each([
  ['a cache in the database', postgresql, {}],
  ['bits in it', '{ backend: postgresql_bit }', { queue: '{ provider: postgresql }' }],
])('a database can run its fragments: %s', (_, cache, rest) => {
  expect(problemsOf(cache, rest)).toEqual([]);
});

test.each([
  [
    'another cache',
    '{ backend: memory }',
    {},
    'population.run_by: database takes a cache in PostgreSQL, which memory is not',
  ],
  [
    'a queue that it does not see',
    postgresql,
    { queue: '{ provider: in_process }' },
    'population.run_by: database takes a queue.provider in PostgreSQL, which in_process is not',
  ],
  [
    'fragments of another database',
    '{ backend: postgresql_array, postgresql: { database: places } }',
    { databases: database('places') + database('visits') },
    'population.run_by: database runs the fragments of places only, not of visits',
  ],
  [
    'fragments that run elsewhere',
    postgresql,
    { databases: database('places', 'source: { kind: standby, host: standby.local }') },
    'databases.places.source: is of no use where population.run_by is database: the database runs its fragments itself',
  ],
])('refuses: %s', (_, cache, rest, problem) => {
  expect(problemsOf(cache, rest)).toEqual([expect.stringContaining(problem)]);
});
