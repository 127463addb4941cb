import { TurnBudget } from '../../../src/engine/turn-budget';

/** Keeps the processor busy. */
function work(ms: number): void {
  const before = process.cpuUsage();
  const workedMs = (): number => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  while (workedMs() < ms);
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('TurnBudget', () => {
  test('is spent by work, and whole again in the next turn', async () => {
    const budget = new TurnBudget(5);
    expect(budget.isSpent).toBe(false);
    const { result, ms } = budget.spend(() => {
      work(6);
      return 'done';
    });
    expect([result, ms >= 6, budget.isSpent]).toEqual(['done', true, true]);
    await Promise.resolve();
    expect(budget.isSpent).toBe(true);
    await nextTurn();
    expect(budget.isSpent).toBe(false);
  });

  test('adds up', () => {
    const budget = new TurnBudget(5);
    budget.spend(() => work(3));
    budget.spend(() => work(3));
    expect(budget.isSpent).toBe(true);
  });

  test('is spent by work that fails, too', () => {
    const budget = new TurnBudget(5);
    const fail = (): never => {
      work(6);
      throw new Error('no');
    };
    expect(() => budget.spend(fail)).toThrow('no');
    expect(budget.isSpent).toBe(true);
  });

  test('lets wait for a turn that has time left', async () => {
    const budget = new TurnBudget(5);
    budget.spend(() => work(6));
    await budget.turn();
    expect(budget.isSpent).toBe(false);
  });
});
