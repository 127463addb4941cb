import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { forwardReasons } from '../../../../src/ops/metrics/forward-reasons';

const src = join(__dirname, '../../../../src');

/** Where reasons are given, and how they are written there. */
const places: readonly [files: readonly string[], pattern: RegExp][] = [
  [
    [...sourcesOf('engine'), ...sourcesOf('proxy')],
    /(?:kind: 'forward', reason: (?:\w+ \? )?|\bforward\()'([^']+)'(?: : '([^']+)')?/g,
  ],
  [
    [
      'engine/experience.ts',
      'query/analysis/block-tables.ts',
      'query/analysis/classless-block.ts',
      'proxy/scan/rewrite-objection.ts',
    ],
    /return '([^']+)'/g,
  ],
  [[...sourcesOf('engine'), 'proxy/hidden/key-tables.ts'], /\bleave\((?:decision, )?'([^']+)'/g],
  [['engine/restrictor.ts'], /const notChecked = '([^']+)'/g],
  [['engine/restrictor.ts'], /\? '([^']+)' : '([^']+)'/g],
  [['query/analysis/statement-check.ts'], /(?:return |\? |refused \??= |\['\w+', )'([^']+)'/g],
  [
    [
      'query/analysis/analyse.ts',
      'query/analysis/block-reader.ts',
      'query/analysis/statement-check.ts',
      'engine/reading.ts',
    ],
    /refused: '([^']+)'/g,
  ],
];

function sourcesOf(wing: string): string[] {
  return readdirSync(join(src, wing), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${wing}/${file}`);
}

function reasonsInSources(): Set<string> {
  const reasons = new Set<string>();
  for (const [files, pattern] of places) {
    for (const file of files) {
      for (const [, ...texts] of readFileSync(join(src, file), 'utf8').matchAll(pattern)) {
        for (const text of texts) if (text !== undefined) reasons.add(text);
      }
    }
  }
  return reasons;
}

describe('forwardReasons', () => {
  const given = reasonsInSources();

  test('knows every reason the sources give; others would be counted as "other"', () => {
    expect([...given].filter((reason) => !forwardReasons.has(reason))).toEqual([]);
  });

  test('says in one line what each means', () => {
    for (const { meaning } of forwardReasons.values()) expect(meaning).toMatch(/^[^\n|]{5,100}$/);
  });

  test('knows no reason that nobody gives', () => {
    expect([...forwardReasons.keys()].filter((reason) => !given.has(reason))).toEqual([]);
  });
});
