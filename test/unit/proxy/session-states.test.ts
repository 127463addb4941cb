import { enterPhase, type SessionPhase } from '../../../src/proxy/session/session-phase';
import { enterWait, isCancelable, type SessionWait } from '../../../src/proxy/scan/session-wait';

describe('the phases of a session', () => {
  test('a whole life', () => {
    const life: SessionPhase[] = [
      'authenticating',
      'connecting',
      'authenticating',
      'scanning',
      'closing',
      'closed',
    ];
    expect(life.reduce<SessionPhase>((from, to) => enterPhase(from, to), 'connecting')).toBe('closed');
  });

  test.each([
    ['connecting', 'scanning'],
    ['scanning', 'relaying'],
    ['closing', 'scanning'],
    ['closed', 'closing'],
    ['scanning', 'closed'],
  ] as const)('refuses: from %s to %s', (from, to) => {
    expect(() => enterPhase(from, to)).toThrow(`a session cannot go from ${from} to ${to}`);
  });
});

describe('the waits of a scanned session', () => {
  test.each([
    ['planned late, asked, held, given up', ['planning', 'asking', 'holding', 'switching', 'reading']],
    ['asked, planned late', ['asking', 'planning', 'reading']],
    [
      'with a table, held, given up, the table dropped',
      ['making', 'holding', 'switching', 'holding', 'reading'],
    ],
  ] as [string, SessionWait[]][])('%s', (_title, waits) => {
    expect(waits.reduce<SessionWait>((from, to) => enterWait(from, to), 'reading')).toBe('reading');
  });

  test.each([
    ['reading', 'switching'],
    ['holding', 'asking'],
    ['switching', 'asking'],
  ] as const)('refuses: from %s to %s', (from, to) => {
    expect(() => enterWait(from, to)).toThrow(`a session cannot go from ${from} to ${to}`);
  });

  test('a cancel request waits while the server does not run the client’s statement', () => {
    const waits: SessionWait[] = ['reading', 'planning', 'asking', 'holding', 'switching'];
    expect(waits.filter(isCancelable)).toEqual(['reading', 'holding']);
  });
});
