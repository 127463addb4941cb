import { SessionTimeouts, type SessionActivity } from '../../../../src/proxy/session/session-timeouts';

/** A session that writes down its time-outs, in a time that is not the real one. */
function timed(queryTimeoutMs: number, idleTimeoutMs: number) {
  const session = {
    activity: 'other' as SessionActivity,
    progress: 0,
    events: [] as string[],
    queryTimedOut: () => void session.events.push('query'),
    idleTimedOut: () => void session.events.push('idle'),
  };
  const timeouts = new SessionTimeouts({ queryTimeoutMs, idleTimeoutMs }, session);
  const become = (activity: SessionActivity, progress = session.progress): void => {
    Object.assign(session, { activity, progress });
    timeouts.noted();
  };
  return { session, timeouts, become };
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('a client that waits too long, and again if that does not help', () => {
  const { session, become } = timed(1_000, 0);
  become('waiting');
  jest.advanceTimersByTime(990);
  expect(session.events).toEqual([]);
  jest.advanceTimersByTime(20);
  expect(session.events).toEqual(['query']);
  jest.advanceTimersByTime(1_010);
  expect(session.events).toEqual(['query', 'query']);
});

test('each statement has its own time', () => {
  const { session, become } = timed(1_000, 0);
  for (let i = 0; i < 10; i++) {
    become('waiting', i);
    jest.advanceTimersByTime(700);
  }
  become('idle');
  jest.advanceTimersByTime(10_000);
  expect(session.events).toEqual([]);
});

test('progress that nobody told of is seen when the timer fires', () => {
  const { session, become } = timed(1_000, 0);
  become('waiting');
  jest.advanceTimersByTime(900);
  session.progress++;
  jest.advanceTimersByTime(900);
  expect(session.events).toEqual([]);
  jest.advanceTimersByTime(200);
  expect(session.events).toEqual(['query']);
});

test('a client that is idle too long', () => {
  const { session, become } = timed(0, 5_000);
  become('idle');
  jest.advanceTimersByTime(4_000);
  become('waiting');
  jest.advanceTimersByTime(60_000);
  become('idle');
  jest.advanceTimersByTime(4_000);
  expect(session.events).toEqual([]);
  jest.advanceTimersByTime(1_010);
  expect(session.events).toEqual(['idle']);
});

test('a shorter time that begins later ends first', () => {
  const { session, become } = timed(1_000, 60_000);
  become('idle');
  jest.advanceTimersByTime(10);
  become('waiting');
  jest.advanceTimersByTime(1_010);
  expect(session.events).toEqual(['query']);
});

test('refuses: neither in an idle transaction, nor without limits, nor after the end', () => {
  const { session, timeouts, become } = timed(1_000, 1_000);
  become('other');
  jest.advanceTimersByTime(60_000);
  become('waiting');
  timeouts.stop();
  jest.advanceTimersByTime(60_000);
  expect(session.events).toEqual([]);
  const unlimited = timed(0, 0);
  unlimited.become('idle');
  unlimited.become('waiting');
  expect(jest.getTimerCount()).toBe(0);
});
