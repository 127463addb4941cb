import { Owed } from '../../../src/proxy/reply-queue';
import { SessionTracker } from '../../../src/proxy/session-tracker';
import { StatementRun } from '../../../src/proxy/statement-run';
import { Candidate } from '../../../src/proxy/candidate';
import { encodeReadyForQuery } from '../../../src/wire/backend/ready-for-query';
import { BackendCode } from '../../../src/wire/message-code';
import { RecordedEvents } from '../../support/recorded-proxy';
import { ScriptedEngine } from '../../support/scripted-engine';

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
