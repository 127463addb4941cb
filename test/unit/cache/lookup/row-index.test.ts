import * as fc from 'fast-check';
import { Column } from '../../../../src/cache/lookup/column';
import { RowIndex } from '../../../../src/cache/lookup/row-index';

function rowsOf(index: RowIndex, hash: number, hashes: ReadonlyMap<number, number>): readonly number[] {
  const rows: number[] = [];
  for (let at = index.first(hash); at !== 0; at = index.after(at - 1))
    if (hashes.get(at - 1) === hash) rows.push(at - 1);
  return rows.sort((a, b) => a - b);
}

test('rows are found by their hashes, whatever was added and removed, also by hashes that many share', () => {
  const change = fc.record({ row: fc.nat(400), hash: fc.oneof(fc.nat(20), fc.nat(0xffff_ffff)) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 600 }), (changes) => {
      const hashes = new Map<number, number>();
      const index = new RowIndex((row) => hashes.get(row) ?? 0);
      for (const { row, hash } of changes) {
        if (hashes.has(row)) {
          index.remove(row);
          hashes.delete(row);
        } else {
          hashes.set(row, hash);
          index.add(row);
        }
      }
      for (const hash of new Set(changes.map((each) => each.hash))) {
        const expected = [...hashes].flatMap(([row, its]) => (its === hash ? [row] : []));
        expect(rowsOf(index, hash, hashes)).toEqual(expected.sort((a, b) => a - b));
      }
    }),
    { numRuns: 100 },
  );
});

test('a column keeps what is set, in chunks of any size, in any order', () => {
  const row = fc.oneof(fc.nat(200), fc.nat(20_000));
  fc.assert(
    fc.property(fc.array(fc.tuple(row, fc.nat(0xffff_ffff)), { maxLength: 50 }), (values) => {
      const column = new Column(Uint32Array);
      const expected = new Map<number, number>();
      for (const [at, value] of values) {
        column.set(at, value);
        expected.set(at, value);
      }
      for (const [at, value] of expected) expect(column.get(at)).toBe(value);
      expect(column.get(1_000_000)).toBe(0);
    }),
    { numRuns: 100 },
  );
});
