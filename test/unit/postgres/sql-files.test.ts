import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'libpg-query';
import { loadSqlFiles, sqlFile, sqlQueriesDirectory } from '../../../src/postgres/sql-files';

const files = [...loadSqlFiles(sqlQueriesDirectory).values()];

describe('sql/queries', () => {
  test.each(files.map((file) => [file.name, file.text] as const))(
    '%s parses as one statement',
    async (_, text) => {
      const tree = await parse(text);
      expect(tree.stmts).toHaveLength(1);
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
