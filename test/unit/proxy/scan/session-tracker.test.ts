import { Owed } from '../../../../src/proxy/scan/reply-queue';
import { SessionTracker } from '../../../../src/proxy/scan/session-tracker';
import { StatementRun } from '../../../../src/proxy/scan/statement-run';
import { Candidate } from '../../../../src/proxy/scan/candidate';
import { encodeParameterStatus } from '../../../../src/wire/backend/parameter-status';
import { encodeReadyForQuery } from '../../../../src/wire/backend/ready-for-query';
import { BackendCode } from '../../../../src/wire/message-code';
import { RecordedEvents } from '../../../support/recorded-proxy';
import { ScriptedEngine } from '../../../support/scripted-engine';

const statement = { text: 'select 1', isCandidate: true, leavesContextAlone: true };
const log = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() };

const candidate = new Candidate('simple', statement, undefined, '', true, {
  buffer: Buffer.alloc(0),
  start: 0,
  end: 0,
  following: { chunk: Buffer.alloc(0), at: 0 },
});

describe('SessionTracker: the time of a run', () => {
  const clock = jest.spyOn(performance, 'now');
  let engine: ScriptedEngine;
  let tracker: SessionTracker;

  beforeEach(() => {
    engine = new ScriptedEngine();
    tracker = new SessionTracker({ database: 'd', engine, events: new RecordedEvents(), log });
  });

  afterAll(() => clock.mockRestore());

  const at = (now: number, action: () => void): void => {
    clock.mockReturnValue(now);
    action();
  };
  const sent = (): void =>
    tracker.statementSent(
      Owed.Query,
      new StatementRun(candidate, { kind: 'forward', reason: '' }, undefined, true),
    );
  const executed = (run: StatementRun): void => {
    tracker.bindSent('', run);
    tracker.executeSent('');
  };
  const newRun = (): StatementRun =>
    new StatementRun(candidate, { kind: 'forward', reason: '' }, undefined, true);
  const answered = (): void => {
    const frame = encodeReadyForQuery({ transactionStatus: 'idle' });
    tracker.settle(BackendCode.ReadyForQuery, frame, 0, frame.length);
  };

  test('begins when it is written, not when it is decided', () => {
    at(0, sent);
    at(100, () => tracker.written());
    at(107, answered);
    expect(engine.completions).toMatchObject([{ elapsedMs: 7 }]);
  });

  test('pipelined, begins with the reply to what is before it', () => {
    at(0, sent);
    at(10, sent);
    at(20, () => tracker.written());
    at(25, answered);
    at(28, answered);
    expect(engine.completions).toMatchObject([{ elapsedMs: 5 }, { elapsedMs: 3 }]);
  });

  test('is not begun again by what is written later', () => {
    at(0, sent);
    at(1, () => tracker.written());
    at(50, () => tracker.written());
    at(51, answered);
    expect(engine.completions).toMatchObject([{ elapsedMs: 50 }]);
  });

  test.each([
    ['alone in their batches', ['a', 'sync', 'b', 'sync'], [true, true]],
    ['in parts', ['a', 'a', 'a', 'sync', 'b', 'sync'], [true, true]],
    ['two in a batch', ['a', 'b', 'sync'], [false, false]],
    ['behind another statement', ['other', 'a', 'sync', 'b', 'sync'], [false, true]],
    ['ahead of another statement', ['a', 'other', 'sync', 'other', 'sync', 'b'], [false, true]],
  ])('is its own unless its batch has others: %s', (_title, steps, isTimed) => {
    const runs: Record<string, StatementRun> = { a: newRun(), b: newRun() };
    for (const step of steps) {
      const run = runs[step];
      if (run !== undefined) executed(run);
      else if (step === 'sync') tracker.syncSent();
      else tracker.executeSent('unknown portal');
    }
    expect(Object.values(runs).map((run) => run.isTimed)).toEqual(isTimed);
  });
});

describe('SessionTracker: what a peer can make it remember', () => {
  const portalsOf = (tracker: SessionTracker): number =>
    (tracker as unknown as { readonly portals: ReadonlyMap<string, unknown> }).portals.size;
  const settingsOf = (tracker: SessionTracker): number =>
    (tracker as unknown as { readonly settings: ReadonlyMap<string, unknown> }).settings.size;
  const newTracker = (): SessionTracker =>
    new SessionTracker({
      database: 'd',
      engine: new ScriptedEngine(),
      events: new RecordedEvents(),
      log,
    });

  test('portals the server skips are none', () => {
    const tracker = newTracker();
    tracker.bindSent('first', statement);
    tracker.settle(BackendCode.ErrorResponse, Buffer.alloc(5), 0, 5);
    for (let i = 0; i < 100; i++) tracker.bindSent(`skipped ${i}`, statement);
    expect(portalsOf(tracker)).toBe(1);
  });

  test('portals are forgotten when there are too many', () => {
    const tracker = newTracker();
    for (let i = 0; i < 25_000; i++) tracker.bindSent(`portal ${i}`, statement);
    expect(portalsOf(tracker)).toBeLessThanOrEqual(10_000);
  });

  test('settings are not remembered when there are too many, and the context is uncertain then', () => {
    const tracker = newTracker();
    tracker.certainty.wasRead();
    const report = (name: string): void => {
      const frame = encodeParameterStatus({ name, value: 'x' });
      tracker.parameterStatus(frame, 0, frame.length);
    };
    for (let i = 0; i < 1_000; i++) report(`setting ${i}`);
    expect(tracker.certainty.isCertain).toBe(true);
    report('one more');
    expect(tracker.certainty.isCertain).toBe(false);
    expect(settingsOf(tracker)).toBe(1_000);
  });
});
