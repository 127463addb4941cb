import { UseNotes } from '../../../src/cache/use-notes';
import { hashOf, used } from '../../support/cache-entries';

const [a, b] = [hashOf('a'), hashOf('b')];

describe('UseNotes', () => {
  test('keeps the latest use of each entry, and what all of them come to', () => {
    const notes = new UseNotes();
    notes.note('region', used([a, b], 5));
    notes.note('region', [{ hash: a, at: 3, uses: 2, savedMs: 1.5 }]);
    notes.note('city', used([a], 9));
    expect(notes.get('region', a)).toEqual({ at: 5, uses: 3, savedMs: 1.5 });
    expect([notes.get('region', b)?.at, notes.get('city', a)?.at]).toEqual([5, 9]);
    expect(notes.size).toBe(3);
  });

  test('keeps notes until they are written, and what is added meanwhile', () => {
    const notes = new UseNotes();
    notes.note('region', used([a, b], 5));
    const written = notes.pending();
    notes.note('region', [{ hash: b, at: 7, uses: 2, savedMs: -3 }]);
    expect(notes.get('region', a)?.at).toBe(5);
    notes.settle(written);
    expect([notes.get('region', a), notes.size]).toEqual([undefined, 1]);
    expect(notes.get('region', b)).toEqual({ at: 7, uses: 2, savedMs: -3 });
    expect(written.get('region')?.get(b)).toMatchObject({ at: 5, uses: 1 });
  });

  test('does not count below nothing when an entry was forgotten while it was written', () => {
    const notes = new UseNotes();
    notes.note('region', [{ hash: a, at: 5, uses: 9, savedMs: 0 }]);
    const written = notes.pending();
    notes.forget('region', a);
    notes.note('region', used([a], 6));
    notes.settle(written);
    expect(notes.get('region', a)).toEqual({ at: 6, uses: 0, savedMs: 0 });
  });

  test('forgets an entry, or a partition key', () => {
    const notes = new UseNotes();
    notes.note('region', used([a, b], 5));
    notes.forget('region', a);
    notes.forget('region', a);
    expect([notes.get('region', a), notes.size]).toEqual([undefined, 1]);
    notes.forgetPartitionKey('region');
    notes.forgetPartitionKey('region');
    expect(notes.size).toBe(0);
  });
});
