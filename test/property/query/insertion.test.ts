import * as fc from 'fast-check';
import { insert, positionInOriginal, type Insertion } from '../../../src/query/rewrite/insertion';

const text = fc.string({ unit: fc.constantFrom('a', ' ', 'é', '北', '🏙'), maxLength: 20 });

/** A text, and what is put between its characters. */
const spliced = fc
  .tuple(text, fc.array(fc.tuple(fc.nat(20), text), { maxLength: 4 }))
  .map(([original, chosen]) => {
    const characters = Array.from(original);
    const offset = (count: number): number => Buffer.byteLength(characters.slice(0, count).join(''));
    const insertions: Insertion[] = chosen
      .map(([place, added]) => ({ at: offset(Math.min(place, characters.length)), text: added }))
      .sort((a, b) => a.at - b.at);
    return { original, insertions };
  });

/** For each unit of the rewritten text, its position in the original; undefined for what was inserted. */
function positions(
  { original, insertions }: { original: string; insertions: readonly Insertion[] },
  length: (character: string) => number,
): (number | undefined)[] {
  const found: (number | undefined)[] = [];
  const left = [...insertions];
  let bytes = 0;
  let position = 1;
  const takeInserted = (): void => {
    while (left[0]?.at === bytes)
      for (const character of left.shift()?.text ?? '')
        found.push(...Array<undefined>(length(character)).fill(undefined));
  };
  for (const character of original) {
    takeInserted();
    for (let i = 0; i < length(character); i++) found.push(position++);
    bytes += Buffer.byteLength(character);
  }
  takeInserted();
  return found;
}

test.each([
  ['characters', () => 1],
  ['bytes', (character: string) => Buffer.byteLength(character)],
] as const)('every place of the rewritten text is found in the original, in %s', (unit, length) => {
  fc.assert(
    fc.property(spliced, (given) => {
      const expected = positions(given, length);
      const actual = expected.map((_, i) =>
        positionInOriginal(i + 1, given.original, given.insertions, unit),
      );
      expect(actual).toEqual(expected);
      // Behind the last character, where an error "at end of input" is.
      const end = Array.from(given.original).reduce((sum, character) => sum + length(character), 0);
      expect(positionInOriginal(expected.length + 1, given.original, given.insertions, unit)).toBe(end + 1);
    }),
  );
});

test('insert: the original is what is left when the insertions are taken out', () => {
  fc.assert(
    fc.property(spliced, ({ original, insertions }) => {
      const rewritten = Array.from(insert(original, insertions));
      const kept = positions({ original, insertions }, () => 1);
      expect(rewritten.filter((_, i) => kept[i] !== undefined).join('')).toBe(original);
    }),
  );
});
