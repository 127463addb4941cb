import fc from 'fast-check';
import { oldestUnseen, seenByAll, seenByAny } from '../../../src/freshness/snapshot';

/** Of PostgreSQL's pg_visible_in_snapshot. */
function sees(snapshot: string, xid: bigint): boolean {
  const [xmin = '', xmax = '', list = ''] = snapshot.split(':');
  if (xid < BigInt(xmin)) return true;
  return xid < BigInt(xmax) && !list.split(',').includes(String(xid));
}

const snapshot = fc
  .tuple(fc.integer({ min: 3, max: 40 }), fc.array(fc.integer({ min: 3, max: 40 })))
  .map(([xmax, list]) => {
    const underWay = [...new Set(list)].filter((xid) => xid < xmax).sort((a, b) => a - b);
    return `${underWay[0] ?? xmax}:${xmax}:${underWay.join(',')}`;
  });

test('of several snapshots one that sees what all see, and one that sees what any sees', () => {
  fc.assert(
    fc.property(fc.array(snapshot, { minLength: 1, maxLength: 4 }), (snapshots) => {
      const [all, any] = [seenByAll(snapshots), seenByAny(snapshots)];
      for (let xid = 3n; xid < 45n; xid++) {
        expect(sees(all, xid)).toBe(snapshots.every((each) => sees(each, xid)));
        expect(sees(any, xid)).toBe(snapshots.some((each) => sees(each, xid)));
      }
    }),
  );
});

test('one snapshot stays as it is, in the form PostgreSQL writes', () => {
  expect(seenByAll(['738:745:738,741'])).toBe('738:745:738,741');
  expect(seenByAny(['18446744073709551600:18446744073709551601:18446744073709551600'])).toBe(
    '18446744073709551600:18446744073709551601:18446744073709551600',
  );
  expect(oldestUnseen('738:745:738,741')).toBe(738n);
});

test.each(['', '1:2', '1:2:x', "1:2:'", '-1:2:'])('refuses: %j', (text) => {
  expect(() => seenByAll([text])).toThrow('is no snapshot');
});

test('refuses: none at all', () => {
  expect(() => seenByAny([])).toThrow('no snapshot is given');
});
