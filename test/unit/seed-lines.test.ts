import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { partitionCacheVariableNames } from '../../src/ops/config/partition-cache-variables';
import { commandLines, legacyVariables, otherwise, variableLines } from '../support/seed-lines/command-lines';
import { libraryLines } from '../support/seed-lines/library-lines';
import { shownLines } from '../support/seed-lines/shown-lines';

/**
 * Nothing that the documents of PartitionCache show is missing: every line of theirs that shows a command, a function, a variable or an option
 * is in one of the tables of test/support/seed-lines, and these name the test for it.
 */
const project = join(__dirname, '../..');
const variablesTest = 'test/unit/ops/config/with-variables.test.ts';

/** `421-423, 430; PJ 7` as `README 421`, …, `Partition-Join Table Handling 7`. */
function linesOf(text: string, document: string): readonly string[] {
  return text.split('; ').flatMap((part) => {
    const of = part.startsWith('PJ ') ? 'Partition-Join Table Handling' : document;
    return part
      .replace('PJ ', '')
      .split(', ')
      .flatMap((range) => {
        const [first = '', last = first] = range.split('-');
        const count = Number(last) - Number(first) + 1;
        return Array.from({ length: count }, (_, i) => `${of} ${Number(first) + i}`);
      });
  });
}

const rows: readonly (readonly string[])[] = [
  ...commandLines.map(({ document, lines }) => linesOf(lines, document)),
  ...libraryLines.map(([lines]) => linesOf(lines, 'README')),
  ...Object.entries(variableLines).flatMap(([document, lines]) =>
    Object.keys(lines).map((line) => linesOf(line, document)),
  ),
  ...otherwise.map(({ lines }) => linesOf(lines, 'README')),
];
const shown = Object.entries(shownLines).flatMap(([document, lines]) =>
  Object.keys(lines).map((line) => `${document} ${line}`),
);

function missingWithout(left: readonly (readonly string[])[]): readonly string[] {
  const covered = new Set(left.flat());
  return shown.filter((line) => !covered.has(line));
}

test('no line is missing, and none is there that shows nothing', () => {
  expect(shown.length).toBeGreaterThan(200);
  expect(missingWithout(rows)).toEqual([]);
  expect(rows.flat().filter((line) => !shown.includes(line))).toEqual([]);
});

test('without any one row of the tables, something would be missing', () => {
  const superfluous = rows.filter(
    (row) => missingWithout(rows.filter((other) => other !== row)).length === 0,
  );
  expect(superfluous).toEqual([]);
});

test('every variable is known and tested, and so are those of them that have an older name', () => {
  const named = [
    ...Object.values(variableLines).flatMap((lines) => Object.values(lines)),
    ...legacyVariables,
  ];
  expect(named.filter((name) => !partitionCacheVariableNames.includes(name))).toEqual([]);
  const tested = readFileSync(join(project, variablesTest), 'utf8');
  expect(partitionCacheVariableNames.filter((name) => !tested.includes(`${name}:`))).toEqual([]);
});

test.each([
  ...commandLines.map(({ file, title }) => [file, title] as const),
  ...libraryLines.flatMap(([, , ...tests]) => tests),
])('%s has: %s', (file, title) => {
  expect(readFileSync(join(project, file), 'utf8')).toContain(title);
});

test.each(otherwise)('has another form here: $here', ({ file }) => {
  expect(existsSync(join(project, file))).toBe(true);
});

const documents = process.env['PCACHE_SEED_DOCUMENTS'];
(documents === undefined ? describe.skip : describe)(
  'the documents themselves (needs the folder of them in PCACHE_SEED_DOCUMENTS)',
  () => {
    test('have the lines that are said to show something', () => {
      const folder = documents ?? '';
      const texts = readdirSync(folder)
        .sort()
        .map((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
      const differing = Object.values(shownLines).flatMap((lines, i) =>
        Object.entries(lines).filter(([line, digest]) => {
          const text = (texts[i]?.[Number(line) - 1] ?? '').trim();
          return !createHash('sha256').update(text).digest('hex').startsWith(digest);
        }),
      );
      expect(differing).toEqual([]);
    });
  },
);
