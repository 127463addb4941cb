import fc from 'fast-check';
import { BoundedMap } from '../../../src/engine/bounded-map';

describe('BoundedMap', () => {
  test('forgets what was not used for longest', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3]);
  });

  test('counts weights, and what is replaced no more', () => {
    const map = new BoundedMap<string, number>(10, (value) => value);
    map.set('a', 4);
    map.set('b', 4);
    map.set('a', 6);
    expect([map.weight, map.get('b')]).toEqual([10, 4]);
    map.set('c', 1);
    expect([map.weight, map.get('a'), map.get('b')]).toEqual([5, undefined, 4]);
  });

  test('keeps the newest, however heavy', () => {
    const map = new BoundedMap<string, number>(10, (value) => value);
    map.set('a', 1);
    map.set('b', 99);
    expect([map.get('a'), map.get('b'), map.weight]).toEqual([undefined, 99, 99]);
  });

  test('is empty when cleared, and takes items again', () => {
    const map = new BoundedMap<string, number>(10);
    map.set('a', 1);
    map.clear();
    expect([map.get('a'), map.weight]).toEqual([undefined, 0]);
    map.set('a', 2);
    expect([map.get('a'), map.weight]).toEqual([2, 1]);
  });

  test('does what a list in the order of use does, whatever is asked of it', () => {
    const operation = fc.tuple(
      fc.constantFrom('get', 'set', 'delete'),
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const map = new BoundedMap<number, number>(8, (weight) => weight);
        let list: (readonly [number, number])[] = [];
        for (const [name, key, weight] of operations) {
          const known = list.find(([each]) => each === key);
          if (name === 'get') {
            expect(map.get(key)).toBe(known?.[1]);
            if (known !== undefined) list = [...list.filter((each) => each !== known), known];
          } else {
            list = list.filter((each) => each !== known);
            if (name === 'delete') map.delete(key);
            else {
              map.set(key, weight);
              list.push([key, weight]);
              while (list.length > 1 && list.reduce((sum, [, each]) => sum + each, 0) > 8) list.shift();
            }
          }
          expect(map.weight).toBe(list.reduce((sum, [, each]) => sum + each, 0));
        }
      }),
    );
  });
});
