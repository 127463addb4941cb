import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'libpg-query';
import {
  cacheMigrationsDirectory,
  cacheQueriesDirectory,
  cacheSqlDirectory,
} from '../../../src/cache/backends/postgresql/cache-schema';
import {
  evictionMigrationsDirectory,
  evictionQueriesDirectory,
  evictionSqlDirectory,
} from '../../../src/cache/backends/postgresql/database-eviction';
import {
  freshnessMigrationsDirectory,
  freshnessQueriesDirectory,
  freshnessSqlDirectory,
} from '../../../src/freshness/tracking-schema';
import { cronQueriesDirectory } from '../../../src/postgres/pg-cron';
import { migrationsSqlDirectory } from '../../../src/postgres/migrations';
import {
  queueMigrationsDirectory,
  queueQueriesDirectory,
  queueSqlDirectory,
} from '../../../src/population/queue/postgresql/queue-schema';
import {
  processorMigrationsDirectory,
  processorQueriesDirectory,
  processorSqlDirectory,
} from '../../../src/population/processor/database-processor';
import { loadSqlFiles, sqlFile, sqlQueriesDirectory } from '../../../src/postgres/sql-files';

const directories = {
  'sql/queries': sqlQueriesDirectory,
  'sql/migrations': migrationsSqlDirectory,
  'sql/cache': cacheSqlDirectory,
  'sql/cache/queries': cacheQueriesDirectory,
  'sql/cache/migrations': cacheMigrationsDirectory,
  'sql/freshness': freshnessSqlDirectory,
  'sql/freshness/queries': freshnessQueriesDirectory,
  'sql/freshness/migrations': freshnessMigrationsDirectory,
  'sql/eviction': evictionSqlDirectory,
  'sql/eviction/queries': evictionQueriesDirectory,
  'sql/eviction/migrations': evictionMigrationsDirectory,
  'sql/cron/queries': cronQueriesDirectory,
  'sql/processor': processorSqlDirectory,
  'sql/processor/queries': processorQueriesDirectory,
  'sql/processor/migrations': processorMigrationsDirectory,
  'sql/queue': queueSqlDirectory,
  'sql/queue/queries': queueQueriesDirectory,
  'sql/queue/migrations': queueMigrationsDirectory,
};

describe.each(Object.entries(directories))('%s', (name, directory) => {
  const files = [...loadSqlFiles(directory).values()];

  test.each(files.map((file) => [file.name, file.text] as const))(
    '%s parses, a query as one statement',
    async (_, text) => {
      const { stmts = [] } = await parse(text);
      expect(stmts.length).toBeGreaterThan(0);
      if (name.endsWith('queries')) expect(stmts).toHaveLength(1);
    },
  );

  test.each(files.map((file) => [file.name, file.text] as const))(
    '%s says its name and purpose first',
    (name, text) => {
      expect(text.startsWith(`-- ${name}: `)).toBe(true);
    },
  );
});

describe('sqlFile', () => {
  test('gives the text of a file', () => {
    expect(sqlFile('begin-fragment-run').text).toContain('repeatable read read only');
  });

  test('refuses: a file that is not there, with its path', () => {
    expect(() => sqlFile('no-such-statement')).toThrow(/no-such-statement\.sql is missing/);
  });

  test('refuses: a name that leads out of the directory', () => {
    expect(() => sqlFile('../../package')).toThrow(/is missing/);
  });
});

test('loadSqlFiles takes *.sql only', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pcache-sql-'));
  try {
    writeFileSync(join(directory, 'one.sql'), 'select 1');
    writeFileSync(join(directory, 'README.md'), 'not a statement');
    expect([...loadSqlFiles(directory).keys()]).toEqual(['one']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
