import { Experience } from '../../../src/engine/experience';

/** Notes so many runs of one form. */
const runs = (experience: Experience, spread: 'one' | 'every', times: number, elapsedMs: number): void => {
  for (let i = 0; i < times; i++) experience.noteRestricted('shape', spread, ['one', 'every'], elapsedMs);
};

describe('Experience', () => {
  test('applies: nothing is known against a shape that never ran', () => {
    const experience = new Experience();
    expect(experience.objection('shape')).toBeUndefined();
    expect(experience.directMs('shape')).toBeUndefined();
  });

  test('refuses: a shape that failed when restricted, for good', () => {
    const experience = new Experience();
    experience.block('shape');
    for (let i = 0; i < 200; i++) expect(experience.objection('shape')).toBe('failed when restricted');
    expect(experience.objection('other')).toBeUndefined();
  });

  test('applies: both forms are tried, and the faster one is taken', () => {
    const experience = new Experience();
    experience.noteDirect('shape', 100);
    const tried = new Set<string>();
    for (let i = 0; i < 8; i++) {
      const spread = experience.choose('shape', ['one', 'every']);
      tried.add(spread);
      runs(experience, spread, 1, spread === 'one' ? 30 : 10);
    }
    expect(tried).toEqual(new Set(['one', 'every']));
    expect(experience.choose('shape', ['one', 'every'])).toBe('every');
    expect(experience.objection('shape')).toBeUndefined();
  });

  test('refuses: a shape that is slower in every form, for a while', () => {
    const experience = new Experience();
    experience.noteDirect('shape', 10);
    runs(experience, 'one', 5, 100);
    expect(experience.objection('shape')).toBeUndefined();
    runs(experience, 'every', 5, 100);
    let satOut = 0;
    while (experience.objection('shape') === 'slower when restricted') satOut++;
    expect(satOut).toBeGreaterThan(10);
    expect(satOut).toBeLessThan(1_000);
  });

  test("applies: what is not known to be slower than the client's own form is used", () => {
    const experience = new Experience();
    runs(experience, 'one', 5, 100);
    runs(experience, 'every', 5, 100);
    expect(experience.objection('shape')).toBeUndefined();
  });

  test('the first run, with cold caches, does not count', () => {
    const experience = new Experience();
    experience.noteDirect('shape', 1_000);
    experience.noteDirect('shape', 10);
    expect(experience.directMs('shape')).toBe(10);
  });
});
