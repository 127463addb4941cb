import { splitCommands } from '../../../../src/ops/console/split-commands';

const split = (text: string): string[] =>
  splitCommands(text).map(({ tokens }) => tokens.map(({ kind, text: own }) => `${kind} ${own}`).join(', '));

test.each([
  ['nothing', ' ;; -- x\n/* ; /* ; */ */ ;', []],
  ['words and symbols', 'set mode=on', ['word set, word mode, symbol =, word on']],
  ['several', "kill 1;show 'a;b';", ['word kill, word 1', 'word show, string a;b']],
  ['quotes in quotes', `'it''s' "a""b"`, [`string it's, name a"b`]],
  ['escapes', String.raw`e'a\'b;' 'c\' d`, [String.raw`string a\'b;, string c\, word d`]],
  ['dollar quotes', 'a $x$ ; $y$ $x$ $$;$$', ['word a, string  ; $y$ , string ;']],
  ['a parameter', 'kill $1', ['word kill, symbol $, word 1']],
  ['a dollar inside of a word', 'a$b$c;d', ['word a$b$c', 'word d']],
  ['dots', 'public."A b".é', ['word public, symbol ., name A b, symbol ., word é']],
  ['what is no letter', '🙂\u00a0;', ['symbol 🙂']],
  ['a comment without end of line', 'a --b', ['word a']],
])('%s', (_, text, expected) => {
  expect(split(text)).toEqual(expected);
});

test('has the text of each command, as it was written', () => {
  const texts = splitCommands('/* 1 */ explain (pcache) select 1 /* 2 */ ; b  c -- d').map(
    ({ text }) => text,
  );
  expect(texts).toEqual(['explain (pcache) select 1', 'b  c']);
});

test.each([`'a`, `"a`, `e'a\\'`, '$$ a $', '/* /* */'])('refuses: %s', (text) => {
  expect(() => splitCommands(text)).toThrow(expect.objectContaining({ sqlState: '42601' }));
});

// A message has at most 256 kB.
test.each([["'"], ["''"], ['"a'], ['/*'], ['$'], ['$a$'], ['e'], ["e'\\"], ['-'], [' '], [';'], ['é']])(
  'takes no longer for many of: %s',
  (piece) => {
    const startedAt = performance.now();
    try {
      splitCommands(piece.repeat(Math.ceil(260_000 / piece.length)));
    } catch (error) {
      expect(error).toMatchObject({ sqlState: '42601' });
    }
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  },
);
