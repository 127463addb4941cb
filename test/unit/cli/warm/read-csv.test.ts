import { readCsv } from '../../../../src/cli/warm/read-csv';

describe('readCsv', () => {
  test.each([
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n"x ""y"", z","1\n2"\r\n',
      [
        ['a', 'b'],
        ['x "y", z', '1\n2'],
      ],
    ],
    ['a\n\nb', [['a'], ['b']]],
    [
      'a,\n,b',
      [
        ['a', ''],
        ['', 'b'],
      ],
    ],
    // Nothing that is odd keeps the rows behind it from being read.
    [
      'select 1\rfrom a,5\nselect 2,6\n',
      [
        ['select 1\rfrom a', '5'],
        ['select 2', '6'],
      ],
    ],
    [
      '"a"b,c\nd,e',
      [
        ['"a"b', 'c'],
        ['d', 'e'],
      ],
    ],
    [
      '"never ended,1\nd,e',
      [
        ['"never ended', '1'],
        ['d', 'e'],
      ],
    ],
    ['', []],
  ])('%j', (text, rows) => {
    expect(readCsv(text)).toEqual(rows);
  });
});
