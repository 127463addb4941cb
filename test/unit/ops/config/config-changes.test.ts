import { checkConfig } from '../../../../src/ops/config/check-config';
import {
  changesThatNeedRestart,
  concernsDatabases,
  configChanges,
} from '../../../../src/ops/config/config-changes';
import type { ConfigFile } from '../../../../src/ops/config/config-schema';

const fileOf = (text: string): ConfigFile =>
  checkConfig(`databases: {}\n${text}`, { source: 'test', environment: {}, workingDirectory: '/' }).file;

describe('configChanges', () => {
  test('names each option that differs, with both values', () => {
    const before = fileOf('limits: { max_sessions: 10 }\npopulation: { duty: 0.5 }');
    const after = fileOf('limits: { max_sessions: 20 }\nmode: observe');
    expect(configChanges(before, after)).toEqual([
      { option: 'mode', before: 'on', after: 'observe' },
      { option: 'population.duty', before: 0.5, after: 0.02 },
      { option: 'limits.max_sessions', before: 10, after: 20 },
    ]);
    expect(configChanges(after, after)).toEqual([]);
  });

  test.each([
    ['listen: { port: 1 }', 'listen.port'],
    ['cache: { backend: memory }', 'cache.backend'],
    ['upstream: { host: other }', 'upstream.host'],
    ['log: { format: pretty }', 'log.format'],
    ['log: { sql: true }', 'log.sql'],
    ['queue: { provider: redis }', 'queue.provider'],
  ])('needs a restart: %s', (text, option) => {
    expect(changesThatNeedRestart(fileOf(''), fileOf(`${text}\nmode: observe`))).toMatchObject([{ option }]);
  });

  test('levels are for the log alone, what is written of statements for engines', () => {
    for (const text of ['log: { level: debug }', 'log: { levels: { engine: debug } }']) {
      expect(concernsDatabases(fileOf(''), fileOf(text))).toBe(false);
      expect(changesThatNeedRestart(fileOf(''), fileOf(text))).toEqual([]);
    }
    expect(concernsDatabases(fileOf(''), fileOf('log: { slow_ms: 5 }'))).toBe(true);
    expect(concernsDatabases(fileOf(''), fileOf('log: { rewrites: { sample: 1 } }'))).toBe(true);
  });

  test('limits are for sessions, all but the memory for key sets', () => {
    expect(concernsDatabases(fileOf(''), fileOf('limits: { max_sessions: 20 }'))).toBe(false);
    expect(concernsDatabases(fileOf(''), fileOf('limits: { memory_bytes: 20000000 }'))).toBe(true);
    expect(concernsDatabases(fileOf(''), fileOf('mode: observe'))).toBe(true);
    expect(changesThatNeedRestart(fileOf(''), fileOf('limits: { max_sessions: 20 }'))).toEqual([]);
  });
});
