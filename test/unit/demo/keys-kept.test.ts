import { countKeys } from '../../../demo/keys-kept';

test.each([
  ['one array', `... AND ("p"."region_id" OPERATOR(pg_catalog.=) ANY ('{1,2,3}'::pg_catalog.int4[]))`, 3],
  [
    'the same array on two tables',
    `(a.k OPERATOR(pg_catalog.=) ANY ('{1,2}'::pg_catalog.int4[])) AND (b.k OPERATOR(pg_catalog.=) ANY ('{1,2}'::pg_catalog.int4[]))`,
    2,
  ],
  [
    'two blocks with a key in common',
    `(a.k OPERATOR(pg_catalog.=) ANY ('{1,2}'::pg_catalog.int4[])) UNION (b.k OPERATOR(pg_catalog.=) ANY ('{2,3}'::pg_catalog.int4[]))`,
    3,
  ],
  ['a statement as the client wrote it', "select 1 from t where k = any ('{1,2}')", undefined],
])('counts the keys of %s', (_title, text, keys) => {
  expect(countKeys(text)).toBe(keys);
});
