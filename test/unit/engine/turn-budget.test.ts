import { TurnBudget } from '../../../src/engine/turn-budget';

let clockMs = 0;
const stopwatch = (): (() => number) => {
  const startedMs = clockMs;
  return () => clockMs - startedMs;
};

function work(ms: number): void {
  clockMs += ms;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('TurnBudget', () => {
  test('is spent by work, and whole again in the next turn', async () => {
    const budget = new TurnBudget(5, stopwatch);
    expect(budget.isSpent).toBe(false);
    const { result, ms } = budget.spend(() => {
      work(6);
      return 'done';
    });
    expect([result, ms, budget.isSpent]).toEqual(['done', 6, true]);
    await Promise.resolve();
    expect(budget.isSpent).toBe(true);
    await nextTurn();
    expect(budget.isSpent).toBe(false);
  });

  test('adds up', () => {
    const budget = new TurnBudget(5, stopwatch);
    budget.spend(() => work(3));
    budget.spend(() => work(3));
    expect(budget.isSpent).toBe(true);
  });

  test('is spent by work that fails, too', () => {
    const budget = new TurnBudget(5, stopwatch);
    const fail = (): never => {
      work(6);
      throw new Error('no');
    };
    expect(() => budget.spend(fail)).toThrow('no');
    expect(budget.isSpent).toBe(true);
  });

  test('lets wait for a turn that has time left', async () => {
    const budget = new TurnBudget(5, stopwatch);
    budget.spend(() => work(6));
    await budget.turn();
    expect(budget.isSpent).toBe(false);
  });
});
