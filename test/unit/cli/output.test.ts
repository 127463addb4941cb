import { oneLine, tell } from '../../../src/cli/output';

function written(use: () => void): string {
  const spy = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    use();
    return spy.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    spy.mockRestore();
  }
}

test('a program gets one object a line, with the names of columns; a person the text', () => {
  const object = { partitionKey: 'myKey', at: new Date(0), limits: { maxBytes: 1 }, all: [{ isNew: true }] };
  expect(written(() => tell({ json: true }, object, 'text'))).toBe(
    '{"partition_key":"myKey","at":"1970-01-01T00:00:00.000Z","limits":{"max_bytes":1},"all":[{"is_new":true}]}\n',
  );
  expect(written(() => tell({ json: false }, object, 'text'))).toBe('text\n');
});

test('what others have written cannot end a line, nor reach a terminal as control characters', () => {
  expect(oneLine("select 'a\n\u001b[2Jb\u009b1m' \t-- c\r\n")).toBe("select 'a [2Jb 1m' -- c ");
});
