import { difference, type Outcome } from '../../oracle/subject';

const rows = (...values: readonly (readonly (string | null)[])[]): Outcome => ({
  kind: 'rows',
  rows: values.map((row) => JSON.stringify(row)),
});

describe('difference', () => {
  test.each<[string, Outcome, Outcome]>([
    ['the same rows in another order', rows(['1'], ['2'], ['2']), rows(['2'], ['1'], ['2'])],
    [
      'which of -0 and 0 an OFFSET took',
      rows(['f', '-0', null], ['f', '1', null]),
      rows(['f', '0', null], ['f', '1', null]),
    ],
    ['which of two padded texts an INTERSECT showed', rows(['a   '], ['b']), rows(['b'], ['a'])],
    ['the same in binary', rows(['\ufffd\0\0\0\0\0\0\0', '7']), rows(['\0\0\0\0\0\0\0\0', '7'])],
    ['the same in an array, and in a line of COPY', rows(['{-0,1}']), rows(['{0,1}'])],
  ])('finds none: %s', (_title, direct, through) => {
    expect(difference(direct, through)).toBeUndefined();
  });

  test.each<[string, Outcome, Outcome]>([
    ['a row that is lost', rows(['1'], ['2']), rows(['1'])],
    ['one of two rows that are alike', rows(['1'], ['1']), rows(['1'])],
    ['a row of -0 that is lost, where one of 0 is left', rows(['0'], ['-0']), rows(['0'])],
    ['a row of 0 that another took the place of', rows(['0'], ['1']), rows(['-0'], ['2'])],
    ['a number that only begins like it', rows(['-0.5']), rows(['0.5'])],
    ['a padded text that is lost, where one without is left', rows(['a '], ['a']), rows(['a'])],
    ['a text that begins with blanks', rows([' a']), rows(['a'])],
    ['another number in binary', rows(['\ufffd\0\0\0\0\0\0\x01']), rows(['\0\0\0\0\0\0\0\x01'])],
    ['a text with it inside', rows(['a-0']), rows(['a0'])],
  ])('finds: %s', (_title, direct, through) => {
    expect(difference(direct, through)).toMatch(/rows expected/);
  });
});
