import { LastUsedNotes } from '../../../src/cache/last-used-notes';
import { hashOf } from '../../support/cache-entries';

const [a, b] = [hashOf('a'), hashOf('b')];

describe('LastUsedNotes', () => {
  test('keeps the latest use of each entry', () => {
    const notes = new LastUsedNotes();
    notes.note('region', [a, b], 5);
    notes.note('region', [a], 3);
    notes.note('city', [a], 9);
    expect([notes.get('region', a), notes.get('region', b), notes.get('city', a)]).toEqual([5, 5, 9]);
    expect(notes.size).toBe(3);
  });

  test('keeps notes until they are written, and those made meanwhile', () => {
    const notes = new LastUsedNotes();
    notes.note('region', [a, b], 5);
    const written = notes.pending();
    notes.note('region', [b], 7);
    expect(notes.get('region', a)).toBe(5);
    notes.settle(written);
    expect([notes.get('region', a), notes.get('region', b), notes.size]).toEqual([undefined, 7, 1]);
    expect(written.get('region')?.get(b)).toBe(5);
  });

  test('forgets an entry, or a partition key', () => {
    const notes = new LastUsedNotes();
    notes.note('region', [a, b], 5);
    notes.forget('region', a);
    notes.forget('region', a);
    expect([notes.get('region', a), notes.size]).toEqual([undefined, 1]);
    notes.forgetPartitionKey('region');
    notes.forgetPartitionKey('region');
    expect(notes.size).toBe(0);
  });
});
