import type { Completion } from '../../../src/engine/engine';
import { StatementLog, type StatementLogOptions } from '../../../src/engine/statement-log';
import { scanTokens } from '../../../src/query/ast/scan';

const text = `select id from place where name = 'Rome' and id = $1`;
const sent = `select id from place where (name = 'Rome' and id = $1) and region_id = any ('{4711}')`;
const statement = { fingerprint: 'f1', text, tokens: scanTokens(text) };
const left = { kind: 'forward', reason: 'miss' } as const;
const restricted = { kind: 'rewrite', text: sent, coverage: 'full', restriction: { method: 'inline' } };
const parameters = { declaredOids: [], formats: [0, 1, 0], values: ['secret', '\x01', null].map(bytes) };

function bytes(value: string | null): Buffer | null {
  return value === null ? null : Buffer.from(value);
}

function logged(options: Partial<StatementLogOptions>, completion: object): [object, string][] {
  const entries: [object, string][] = [];
  const note = (fields: object, message: string): void => void entries.push([fields, message]);
  const log = { debug: note, info: note, warn: note };
  const all = { slowMs: 0, rewriteShare: 0, maySayValues: false, ...options };
  const common = { elapsedMs: 50, isTimed: true, outcome: 'complete', plan: left, parameters };
  new StatementLog(all, log).noted(statement, { ...common, ...completion } as unknown as Completion, 7);
  return entries;
}

test('nothing unless it is asked for', () => {
  expect([...logged({}, {}), ...logged({}, { plan: restricted })]).toEqual([]);
});

test('what takes as long as log.slow_ms, however it was run, and no values', () => {
  expect(logged({ slowMs: 51 }, {})).toEqual([]);
  const query = 'select id from place where name = $2 and id = $1';
  expect(logged({ slowMs: 50 }, {})).toEqual([
    [
      expect.objectContaining({ fingerprint: 'f1', elapsedMs: 50, reason: 'miss', savedMs: 7, query }),
      'slow statement',
    ],
  ]);
  for (const plan of [left, restricted])
    expect(JSON.stringify(logged({ slowMs: 50 }, { plan }))).not.toMatch(/Rome|4711|secret/);
});

test('what is restricted, a sample of it, as it came and as it was sent', () => {
  const half = { rewriteShare: 0.5 };
  expect(logged({ ...half, random: () => 0.5 }, { plan: restricted })).toEqual([]);
  expect(logged({ ...half, random: () => 0.4 }, {})).toEqual([]);
  const rewritten = 'select id from place where (name = $2 and id = $1) and region_id = any ($3)';
  expect(logged({ ...half, random: () => 0.4 }, { plan: restricted })).toEqual([
    [expect.objectContaining({ method: 'inline', coverage: 'full', rewritten }), 'statement rewritten'],
  ]);
});

test('values where they may be said, in the fields that are redacted where they may not', () => {
  const [[fields] = []] = logged({ slowMs: 1, maySayValues: true }, { plan: restricted });
  expect(fields).toMatchObject({ sql: text, parameters: ['secret', '\\x01', null], sent: { sql: sent } });
});

test('whether its time is its own', () => {
  const [[fields] = []] = logged({ slowMs: 1 }, { isTimed: false });
  expect(fields).toMatchObject({ isPipelined: true });
  expect(fields).not.toHaveProperty('savedMs');
});
