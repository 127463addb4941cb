import { ConfigError } from '../../../../src/errors/config-error';
import type { SourceConfig } from '../../../../src/ops/config/pcache-config';
import { readConfig } from '../../../../src/ops/config/read-config';

const sources = { source: 'f', environment: { MYSQL_PASSWORD: 'secret' }, workingDirectory: '/srv' };

function read(source: string, consistency = 'static'): SourceConfig | undefined {
  const text = `
databases:
  places:
    control: { user: pcache, port: 5433 }
    source: ${source}
    partition_keys:
      region: { datatype: integer, consistency: ${consistency}, tables: { public.place: region_id } }
`;
  return readConfig(text, sources).databases.get('places')?.source;
}

function problemsOf(source: string, consistency?: string): readonly string[] {
  try {
    read(source, consistency);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
}

test('reads: a standby, which is connected to as the control role', () => {
  expect(read('{ kind: standby, host: standby.local }', 'exact')).toEqual({
    kind: 'standby',
    host: 'standby.local',
    port: 5433,
  });
});

test('reads: a MySQL server, with its password', () => {
  const written =
    '{ kind: mysql, host: db, user: reader, database: copy, password_env: MYSQL_PASSWORD, schema: geo }';
  const source = read(written);
  expect(source).toMatchObject({
    kind: 'mysql',
    host: 'db',
    port: 3306,
    user: 'reader',
    database: 'copy',
    schema: 'geo',
  });
  expect(source?.kind === 'mysql' && source.password?.reveal()).toBe('secret');
});

test('reads: an SQLite file, beside the configuration', () => {
  expect(read('{ kind: sqlite, path: copy.sqlite }')).toEqual({
    kind: 'sqlite',
    path: '/srv/copy.sqlite',
    schema: 'public',
  });
});

test('refuses: what a kind lacks, and what is of no use to it', () => {
  expect(problemsOf('{ kind: mysql, host: db, path: x }')).toEqual([
    expect.stringContaining('databases.places.source.user: is required'),
    expect.stringContaining('databases.places.source.database: is required'),
    expect.stringContaining('databases.places.source.path: is of no use to a source of kind mysql'),
  ]);
  expect(problemsOf('{ kind: sqlite, path: x, host: db }')).toEqual([
    expect.stringContaining('source.host: is of no use'),
  ]);
  expect(problemsOf('{ kind: standby, user: me }')).toEqual([
    expect.stringContaining('source.host: is required'),
    expect.stringContaining('source.user: is of no use'),
  ]);
  expect(problemsOf('{ kind: oracle }')).toEqual([expect.stringContaining('source.kind: expected')]);
});

test('refuses: keys of a copy that are to be exact', () => {
  for (const written of ['{ kind: sqlite, path: x }', '{ kind: mysql, host: h, user: u, database: d }'])
    expect(problemsOf(written, 'exact')).toEqual([
      expect.stringContaining('databases.places.partition_keys.region.consistency: expected "static"'),
    ]);
});
