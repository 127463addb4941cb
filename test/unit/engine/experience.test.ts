import { Experience } from '../../../src/engine/experience';
import { formOf, type Spread } from '../../../src/engine/form';

const forms = [formOf('inline', 'first'), formOf('inline', 'every')] as const;

/** Notes so many runs of one form. */
const runs = (
  experience: Experience,
  spread: Spread,
  times: number,
  elapsedMs: number,
  keptShare?: number,
): void => {
  for (let i = 0; i < times; i++)
    experience.noteRestricted('shape', formOf('inline', spread), forms, { elapsedMs, keptShare });
};

describe('Experience', () => {
  test('applies: nothing is known against a shape that never ran', () => {
    const experience = new Experience();
    expect(experience.objection('shape', 0)).toBeUndefined();
    expect(experience.directMs('shape')).toBeUndefined();
  });

  test('refuses: a shape that failed when restricted, for some minutes, and each time for longer', () => {
    const experience = new Experience();
    let now = 1_000;
    let longest = 0;
    for (let failure = 0; failure < 20; failure++) {
      expect(experience.objection('shape', now)).toBeUndefined();
      const blockMs = experience.block('shape', now) ?? 0;
      expect(blockMs).toBeGreaterThanOrEqual(Math.max(longest, 60_000));
      longest = blockMs;
      // One that was under way meanwhile adds nothing.
      expect(experience.block('shape', now + 1)).toBeUndefined();
      expect(experience.objection('shape', now + blockMs - 1)).toBe('failed when restricted');
      expect(experience.objection('other', now)).toBeUndefined();
      now += blockMs;
    }
    expect(longest).toBe(24 * 60 * 60_000);
  });

  test('applies: both forms are tried, and the faster one is taken', () => {
    const experience = new Experience();
    experience.noteDirect('shape', 100);
    const tried = new Set<string>();
    for (let i = 0; i < 8; i++) {
      const { spread } = experience.choose('shape', forms).form;
      tried.add(spread);
      runs(experience, spread, 1, spread === 'first' ? 30 : 10);
    }
    expect(tried).toEqual(new Set(['first', 'every']));
    expect(experience.choose('shape', forms)).toEqual({ form: formOf('inline', 'every'), why: 'fastest' });
    expect(experience.objection('shape', 0)).toBeUndefined();
  });

  test('applies: one of sixteen runs is of a form that was not much slower, so that one bad time does not decide for ever', () => {
    const experience = new Experience();
    experience.noteDirect('shape', 100);
    runs(experience, 'first', 2, 25);
    runs(experience, 'every', 2, 20);
    const taken: string[] = [];
    for (let i = 0; i < 64; i++) {
      const { spread } = experience.choose('shape', forms).form;
      taken.push(spread);
      // The time by which it was judged was a bad one.
      runs(experience, spread, 1, spread === 'first' ? 5 : 20);
    }
    expect(taken.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'every'));
    expect(taken.at(-1)).toBe('first');
    const slow = new Experience();
    runs(slow, 'first', 2, 100);
    runs(slow, 'every', 2, 20);
    for (let i = 0; i < 64; i++) {
      expect(slow.choose('shape', forms).form.spread).toBe('every');
      runs(slow, 'every', 1, 20);
    }
  });

  test('a form that is far slower the first time is not tried again; the first of all may only have had cold caches', () => {
    const experience = new Experience();
    const all = (['first', 'every', 'second', 'third'] as const).map((spread) => formOf('inline', spread));
    const candidates = [all[0]!, ...all.slice(1)] as const;
    const times = { first: [900, 20], every: [30], second: [200], third: [10], fourth: [] } as const;
    const taken: Spread[] = [];
    for (let i = 0; i < 8; i++) {
      const { spread, method } = experience.choose('shape', candidates).form;
      const own = times[spread];
      const elapsedMs = own[taken.filter((each) => each === spread).length] ?? own.at(-1) ?? 0;
      experience.noteRestricted('shape', formOf(method, spread), all, { elapsedMs });
      taken.push(spread);
    }
    expect(taken).toEqual(['first', 'every', 'second', 'third', 'first', 'every', 'third', 'third']);
  });

  test('another column than the best guess is tried if that costs little, or as much as twenty executions', () => {
    const all = [...forms, formOf('inline', 'second')];
    const isDue = (directMs: number | undefined, restrictedMs: number): boolean => {
      const experience = new Experience();
      if (directMs !== undefined) experience.noteDirect('shape', directMs);
      for (const { spread } of forms) {
        expect(experience.isTrialDue('shape', all)).toBe(false);
        runs(experience, spread, 1, restrictedMs);
      }
      expect(experience.isTrialDue('shape', forms)).toBe(false);
      return experience.isTrialDue('shape', all);
    };
    expect(isDue(300_000, 2_000)).toBe(false);
    expect(isDue(300_000, 20_000)).toBe(true);
    expect(isDue(900, 2)).toBe(true);
    expect(isDue(undefined, 200)).toBe(false);
    expect(isDue(undefined, 20)).toBe(true);
    // What has been tried stays in use.
    const experience = new Experience();
    experience.noteDirect('shape', 300_000);
    runs(experience, 'second', 1, 2_000);
    expect(experience.isTrialDue('shape', all)).toBe(true);
  });

  test('after a while of the original only the fastest form gets another chance', () => {
    const experience = new Experience();
    experience.noteDirect('shape', 10);
    runs(experience, 'first', 2, 100);
    runs(experience, 'every', 2, 50);
    while (experience.objection('shape', 0) === 'slower when restricted');
    const taken: Spread[] = [];
    while (experience.objection('shape', 0) === undefined) {
      const { spread } = experience.choose('shape', forms).form;
      taken.push(spread);
      runs(experience, spread, 1, 50);
    }
    expect(taken).toEqual(['every', 'every']);
  });

  test('refuses: a shape that is slower in every form, for a while', () => {
    const experience = new Experience();
    experience.noteDirect('shape', 10);
    runs(experience, 'first', 5, 100);
    expect(experience.objection('shape', 0)).toBeUndefined();
    runs(experience, 'every', 5, 100);
    let satOut = 0;
    while (experience.objection('shape', 0) === 'slower when restricted') satOut++;
    expect(satOut).toBeGreaterThan(10);
    expect(satOut).toBeLessThan(1_000);
  });

  test("applies: what is not known to be slower than the client's own form is used", () => {
    const experience = new Experience();
    runs(experience, 'first', 5, 100);
    runs(experience, 'every', 5, 100);
    expect(experience.objection('shape', 0)).toBeUndefined();
  });

  test('what is known of the original by one time is measured once more, unless it was far slower', () => {
    const measuredAfter = (directMs: readonly number[], executions: number): number | undefined => {
      const experience = new Experience();
      for (const each of directMs) experience.noteDirect('shape', each);
      for (let i = 1; i <= executions; i++) {
        if (experience.objection('shape', 0) === 'measured as it came') return i;
        runs(experience, 'every', 1, 100);
      }
      return undefined;
    };
    expect(measuredAfter([600], 1_000)).toBe(17);
    expect(measuredAfter([6_000], 1_000)).toBeUndefined();
    expect(measuredAfter([600, 150], 1_000)).toBe(65);
    expect(measuredAfter([600, 600], 1_000)).toBeUndefined();
  });

  test('the original turns out to be faster than one cold run of it: it is used', () => {
    const experience = new Experience();
    experience.noteDirect('shape', 600);
    runs(experience, 'first', 16, 137);
    runs(experience, 'every', 16, 140);
    expect(experience.objection('shape', 0)).toBe('measured as it came');
    experience.noteDirect('shape', 37);
    expect(experience.objection('shape', 0)).toBeUndefined();
    runs(experience, 'first', 1, 137);
    expect(experience.objection('shape', 0)).toBe('slower when restricted');
  });

  test('what was never run as it came is, once, where a good part of the keys is kept: the restricted form may be slower', () => {
    const measuredAfter = (keptShare: number | undefined): number | undefined => {
      const experience = new Experience();
      for (let i = 1; i <= 1_000; i++) {
        if (experience.objection('shape', 0) === 'measured as it came') return i;
        runs(experience, i % 2 === 0 ? 'first' : 'every', 1, 98, keptShare);
      }
      return undefined;
    };
    expect(measuredAfter(0.2)).toBe(17);
    // The original may take a hundred times as long.
    expect(measuredAfter(0.01)).toBeUndefined();
    expect(measuredAfter(undefined)).toBeUndefined();
  });

  test('the first run, with cold caches, does not count', () => {
    const experience = new Experience();
    experience.noteDirect('shape', 1_000);
    experience.noteDirect('shape', 10);
    expect(experience.directMs('shape')).toBe(10);
  });
});
