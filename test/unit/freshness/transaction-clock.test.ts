import { TransactionClock } from '../../../src/freshness/transaction-clock';

describe('TransactionClock', () => {
  test('tells how old a transaction is at least', () => {
    const clock = new TransactionClock();
    expect(clock.ageMs(5n, 1_000)).toBe(0);
    clock.note(10n, 1_000);
    clock.note(20n, 2_000);
    clock.note(20n, 3_000);
    expect(clock.ageMs(5n, 4_000)).toBe(3_000);
    expect(clock.ageMs(10n, 4_000)).toBe(2_000);
    expect(clock.ageMs(20n, 4_000)).toBe(0);
  });

  test('a server that went back is another history', () => {
    const clock = new TransactionClock();
    clock.note(100n, 1_000);
    clock.note(10n, 2_000);
    expect(clock.ageMs(50n, 3_000)).toBe(0);
    expect(clock.ageMs(5n, 3_000)).toBe(1_000);
  });

  test('stays within bounds, and never says too much', () => {
    const clock = new TransactionClock();
    for (let i = 1; i <= 10_000; i++) clock.note(BigInt(i), i);
    for (const xid of [1, 100, 5_000, 9_000]) {
      const age = clock.ageMs(BigInt(xid), 10_000);
      expect(age).toBeLessThanOrEqual(10_000 - xid);
      expect(age).toBeGreaterThan(10_000 - xid - 200);
    }
  });
});
