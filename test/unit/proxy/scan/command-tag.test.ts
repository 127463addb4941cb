import {
  CommandEffect,
  commandEffect,
  isSelectTag,
  mayCreateTable,
} from '../../../../src/proxy/scan/command-tag';
import { encodeCommandComplete } from '../../../../src/wire/backend/command-complete';

const saysSo = (text: string): boolean => mayCreateTable({ text });

describe('command tags', () => {
  test.each([
    ['SELECT 1', 'Other'],
    ['SET', 'Other'],
    ['INSERT 0 1', 'Other'],
    ['TRUNCATE TABLE', 'Other'],
    ['COPY 5', 'Other'],
    ['', 'Other'],
    ['constructor', 'Other'],
    ['BEGIN', 'TransactionControl'],
    ['START TRANSACTION', 'TransactionControl'],
    ['SAVEPOINT', 'TransactionControl'],
    ['RELEASE', 'TransactionControl'],
    ['COMMIT', 'TransactionEnd'],
    ['COMMIT PREPARED', 'TransactionEnd'],
    ['ROLLBACK', 'TransactionEnd'],
    ['CREATE TABLE', 'Definition'],
    ['ALTER TABLE', 'Definition'],
    ['DROP INDEX', 'Definition'],
    ['REFRESH MATERIALIZED VIEW', 'Definition'],
    ['IMPORT FOREIGN SCHEMA', 'Definition'],
    ['SECURITY LABEL', 'Definition'],
    ['REASSIGN OWNED', 'Definition'],
    ['GRANT', 'Definition'],
    ['REVOKE ROLE', 'Definition'],
    ['DO', 'Definition'],
    ['CALL', 'Definition'],
  ] as const)('%s: %s', (tag, effect) => {
    const chunk = Buffer.concat([Buffer.from('xxx'), encodeCommandComplete({ tag }), Buffer.from('yyy')]);
    expect(commandEffect(chunk, 3, chunk.length - 3)).toBe(CommandEffect[effect]);
    expect(isSelectTag(chunk, 3)).toBe(tag.startsWith('SELECT'));
  });

  test('a SELECT may create a table', () => {
    expect(saysSo('select 1 into t')).toBe(true);
    expect(saysSo('CREATE TABLE t AS SELECT 1')).toBe(true);
    expect(saysSo('select created, "point" from internet')).toBe(false);
    expect(saysSo('begin; select 1; insert into t values (1); commit')).toBe(false);
    expect(saysSo('with a as (insert into t values (1) returning *) select * from a')).toBe(false);
  });

  test.each([
    'select 1 insert into t',
    'select 1 as merge into t',
    'select 1; -- and then;\ninsert into t values (1)',
    'select 1 -- ;\ninsert into t',
    'select 1 /* ; */ insert into t',
    `select ';' insert into t`,
    'select 1 as ";" merge into t',
    'insert into t values (1); select 1 into u',
    'insert into t values (1); create table u as select 1',
  ])('a SELECT may create a table although rows are written, or seem to be: %s', (text) => {
    expect(saysSo(text)).toBe(true);
  });
});

test('the text of many statements is read once, however many tags come of it', () => {
  let reads = 0;
  const statement = {
    get text(): string {
      reads++;
      return 'select 1; insert into t values (1); select 2';
    },
  };
  for (let i = 0; i < 3; i++) expect(mayCreateTable(statement)).toBe(false);
  expect(reads).toBe(1);
});
