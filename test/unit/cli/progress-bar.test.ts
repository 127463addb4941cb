import { ProgressBar, progressLine, type Terminal } from '../../../src/cli/progress-bar';

function terminal(isTTY: boolean, columns = 80): Terminal & { readonly written: string[] } {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
}

test.each<[number, number, number, string]>([
  [0, 8, 0, '[                        ]   0 %  0 of 8 entries'],
  [3, 8, 999, '[#########               ]  37 %  3 of 8 entries'],
  [4, 8, 3_000, '[############            ]  50 %  4 of 8 entries, 3 s left'],
  [8, 8, 3_000, '[########################] 100 %  8 of 8 entries'],
  // More than was counted before, and nothing that could be counted.
  [9, 8, 3_000, '[########################] 100 %  9 of 8 entries'],
  [9, 0, 3_000, '9 entries'],
])('%d of %d after %d ms', (done, total, elapsedMs, expected) => {
  expect(progressLine(done, total, 'entries', elapsedMs)).toBe(expected);
});

test('is one line, drawn ten times a second at most, as wide as the terminal, and gone at the end', async () => {
  const screen = terminal(true, 30);
  let now = 0;
  {
    using bar = new ProgressBar(1_000, 'entries', { json: false }, screen, () => now);
    const items = async function* (): AsyncGenerator<number> {
      for (let i = 0; i < 1_000; i++) {
        now += 1;
        yield i;
      }
    };
    let taken = 0;
    for await (const _ of bar.over(items())) taken += 1;
    expect(taken).toBe(1_000);
    bar.clear();
    bar.clear();
  }
  expect(screen.written.length).toBeLessThan(13);
  expect(screen.written[0]).toBe('\r[                        ]   \u001b[K');
  expect(screen.written.at(-1)).toBe('\r\u001b[K');
  expect(screen.written.join('')).not.toContain('\n');
});

test.each<[string, boolean, boolean, string | undefined]>([
  ['no terminal', false, false, undefined],
  ['--json', true, true, undefined],
  ['a terminal that cannot write over a line', true, false, 'dumb'],
])('writes nothing: %s', (_, isTTY, json, term) => {
  const before = process.env['TERM'];
  try {
    if (term !== undefined) process.env['TERM'] = term;
    const screen = terminal(isTTY);
    using bar = new ProgressBar(2, 'entries', { json }, screen);
    bar.advance();
    bar.expect(5);
    bar.clear();
    expect(screen.written).toEqual([]);
  } finally {
    if (before === undefined) delete process.env['TERM'];
    else process.env['TERM'] = before;
  }
});
