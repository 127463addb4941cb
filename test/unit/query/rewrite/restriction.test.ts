import type { KeyClass } from '../../../../src/query/analysis/key-classes';
import { loadParser } from '../../../../src/query/ast/parser';
import { TypeOid } from '../../../../src/query/catalog/catalog';
import { elementTypeOf, keyArray, restrictMember } from '../../../../src/query/rewrite/restriction';
import { firstBlock } from '../../../support/analyse-text';

const classOf = (from: string): KeyClass => {
  const [keyClass] = firstBlock(`select * from ${from}`).classes;
  if (keyClass === undefined) throw new Error('no class');
  return keyClass;
};

const restrict = (from: string, values: readonly bigint[]): readonly string[] => {
  const keyClass = classOf(from);
  const keys = { datatype: 'integer', size: values.length, values: () => values } as const;
  return keyClass.members.map((member) =>
    restrictMember(
      member,
      keyClass,
      values.length === 0
        ? 'none'
        : {
            source: { kind: 'constant', array: keyArray(keys, elementTypeOf(member.typeOid) ?? '') },
            placement: 'array',
          },
    ),
  );
};

beforeAll(loadParser);

describe('restrictMember', () => {
  test.each([
    [
      'a nullable column lets NULL through (rule S4)',
      'place p',
      [3n],
      [`("p"."region_id" OPERATOR(pg_catalog.=) ANY ('{3}'::pg_catalog.int4[]) OR "p"."region_id" IS NULL)`],
    ],
    [
      'a NOT NULL column does not',
      'region r',
      [3n],
      [`("r"."region_id" OPERATOR(pg_catalog.=) ANY ('{3}'::pg_catalog.int4[]))`],
    ],
    [
      'one that the block equates does not, in its own type each',
      'place p join shop s on p.region_id = s.region_id',
      [3n, 5n],
      [
        `("p"."region_id" OPERATOR(pg_catalog.=) ANY ('{3,5}'::pg_catalog.int4[]))`,
        `("s"."region_id" OPERATOR(pg_catalog.=) ANY ('{3,5}'::pg_catalog.int8[]))`,
      ],
    ],
    ['no key, and no NULL', 'region r', [], ['FALSE']],
    ['no key, but perhaps NULL', 'place p', [], ['("p"."region_id" IS NULL)']],
    [
      'an alias that needs quotes',
      'place "P ""x"',
      [3n],
      [
        `("P ""x"."region_id" OPERATOR(pg_catalog.=) ANY ('{3}'::pg_catalog.int4[]) OR "P ""x"."region_id" IS NULL)`,
      ],
    ],
  ])('%s', (_title, from, values, expected) => {
    expect(restrict(from, values)).toEqual(expected);
  });
});

describe('keyArray', () => {
  test('leaves out what the column cannot hold', () => {
    const values = [-(2n ** 40n), -(2n ** 31n), -1n, 2n ** 15n, 2n ** 31n - 1n, 2n ** 31n];
    const keys = { datatype: 'integer', size: values.length, values: () => values } as const;
    expect(keyArray(keys, 'int2')).toBe(`'{-1}'::pg_catalog.int2[]`);
    expect(keyArray(keys, 'int4')).toBe(`'{-2147483648,-1,32768,2147483647}'::pg_catalog.int4[]`);
    expect(keyArray(keys, 'int8')).toContain('1099511627776');
  });

  test.each([
    [TypeOid.int2, 'int2'], [TypeOid.int4, 'int4'], [TypeOid.int8, 'int8'], [TypeOid.float4, 'float8'],
    [TypeOid.text, 'text'], [TypeOid.date, 'date'], [TypeOid.timestamptz, 'timestamptz'],
    [TypeOid.numeric, undefined], [TypeOid.bpchar, undefined],
  ])('element type of %d: %s', (oid, name) => {
    expect(elementTypeOf(oid)).toBe(name);
  }); // prettier-ignore
});
