import { nearestName } from '../../../../src/ops/config/nearest-name';

const known = ['listen', 'upstream', 'min_query_ms', 'timeout_ms', 'port', 'host'];

describe('nearestName', () => {
  test.each([
    ['lsten', 'listen'],
    ['lisetn', 'listen'],
    ['Listen', 'listen'],
    ['min-query-ms', 'min_query_ms'],
    ['timeoutMs', 'timeout_ms'],
    ['prot', 'port'],
  ])('%s could be %s', (name, nearest) => expect(nearestName(name, known)).toBe(nearest));

  test.each(['frobnicate', 'x', 'database', ''])('%j is like none', (name) =>
    expect(nearestName(name, known)).toBeUndefined(),
  );

  test('nothing is known', () => expect(nearestName('a', [])).toBeUndefined());
});
