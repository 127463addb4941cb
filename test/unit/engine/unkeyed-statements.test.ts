import { UnkeyedStatements } from '../../../src/engine/unkeyed-statements';
import type { Reading } from '../../../src/engine/reading';
import { smallKeys } from '../../support/small-catalog';

function readingOf(fingerprint: string): Reading {
  const refused = { refused: 'outer join', unkeyed: ['region'] };
  return { statement: { fingerprint }, analysis: refused } as unknown as Reading;
}

test('a client of many kinds of statement is told of ten in a minute, and of the others later', () => {
  let now = 0;
  const told: object[] = [];
  const log = { debug: () => undefined, info: () => undefined, warn: (fields: object) => told.push(fields) };
  const statements = new UnkeyedStatements(smallKeys, log, () => now);
  const noteAll = (): void => {
    for (let i = 0; i < 15; i++) statements.note(readingOf(`kind ${i}`));
  };
  noteAll();
  expect(told).toHaveLength(10);
  expect(told[0]).toMatchObject({
    partitionKeys: ['region'],
    columns: expect.arrayContaining(['public.place.region_id']) as unknown,
  });
  now = 59_999;
  noteAll();
  expect(told).toHaveLength(10);
  now = 60_000;
  noteAll();
  noteAll();
  expect(told).toHaveLength(15);
});
