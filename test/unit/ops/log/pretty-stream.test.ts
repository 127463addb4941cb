import { formatLine } from '../../../../src/ops/log/pretty-stream';

describe('a line for people', () => {
  const entry = { time: '2026-11-29T12:00:00.000Z', level: 'info', msg: 'a client came' };

  test('has the fields behind the message', () => {
    expect(formatLine(JSON.stringify({ ...entry, user: 'Ærø x', count: 2 }))).toBe(
      '12:00:00.000 INFO  a client came user=Ærø x count=2\n',
    );
  });

  test.each(['x\n12:00:00.000 ERROR all is lost', 'x\u001b[2J', 'x\r', 'x\u009b2J'])(
    'a name that others have chosen begins no line of its own: %j',
    (user) => {
      const line = formatLine(JSON.stringify({ ...entry, user }));
      expect(JSON.parse(line.slice(line.indexOf('"')))).toBe(user);
      expect(line.slice(0, -1)).not.toMatch(/\p{Cc}/u);
    },
  );
});
