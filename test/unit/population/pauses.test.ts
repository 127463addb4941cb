import { Pauses } from '../../../src/population/pauses';

test('goes on when the last of several has resumed it', () => {
  let isPaused = false;
  const pauses = new Pauses({ pause: () => (isPaused = true), resume: () => (isPaused = false) });
  const [load, operator] = [pauses.holder(), pauses.holder()];
  load.pause();
  operator.pause();
  operator.pause();
  load.resume();
  expect(isPaused).toBe(true);
  operator.resume();
  expect(isPaused).toBe(false);
  load.resume();
  load.pause();
  operator.resume();
  expect(isPaused).toBe(true);
});
