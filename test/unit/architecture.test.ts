import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, relative, sep } from 'node:path';
import ts from 'typescript';
import { findImpureGlobals } from '../support/impure-globals';

/**
 * What each wing of src/ may import, one step down; whatever can be reached by several steps is allowed as well.
 * Every wing may import errors. Change this table and the architecture section of the README together.
 */
const oneStepDown: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['cli'],
  'index.ts': ['library'],
  // It puts the parts together by the same functions as the command line (src/cli/open-…), and knows no command.
  library: ['cli'],
  cli: ['proxy', 'population', 'ops'],
  proxy: ['ops', 'engine', 'wire'],
  ops: ['freshness', 'cache', 'query', 'postgres'],
  engine: ['freshness', 'cache', 'query', 'postgres'],
  population: ['freshness', 'cache', 'query', 'postgres'],
  freshness: ['cache', 'query', 'postgres'],
  cache: ['query', 'postgres'],
  postgres: ['query'],
  query: [],
  wire: [],
  errors: [],
};

/** Wings whose every value depends on nothing but their arguments. */
const pureWings = ['wire', 'query'];

/** Modules of node: that compute and nothing else. */
const pureModules = new Set([
  'node:buffer',
  'node:crypto',
  'node:assert',
  'node:util',
  'node:string_decoder',
]);

/** Rooms named after nothing fill up with everything. */
const meaninglessName = /^(utils?|helpers?|common|misc|types|shared|stuff)$/;

const maxLines = 400;

const src = join(__dirname, '../../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const sources = new Map(files.map((file) => [file, readFileSync(join(src, file), 'utf8')]));

function wingOf(file: string): string {
  return file.split(sep)[0] ?? file;
}

/** The wing itself and everything below it. */
function reach(wing: string): ReadonlySet<string> {
  const below = oneStepDown[wing];
  if (below === undefined) throw new Error(`src/${wing} is no wing the architecture knows`);
  return new Set([wing, 'errors', ...below.flatMap((next) => [...reach(next)])]);
}

function importsOf(file: string): string[] {
  return ts.preProcessFile(sources.get(file) ?? '', true, true).importedFiles.map(({ fileName }) => fileName);
}

/** The imports of a file that lead to another file of src/, as paths from src/ without an ending. */
function importedFiles(file: string): string[] {
  return importsOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => relative(src, join(src, dirname(file), specifier)));
}

describe('src', () => {
  test('imports only downwards', () => {
    const upwards = files.flatMap((file) =>
      importedFiles(file)
        .filter((target) => !reach(wingOf(file)).has(wingOf(target)))
        .map((target) => `${file} imports ${target}`),
    );
    expect(upwards).toEqual([]);
  });

  test('knows concrete cache backends only where they are chosen', () => {
    const violations = files.flatMap((file) =>
      importedFiles(file)
        .filter((target) => target.startsWith(join('cache', 'backends')))
        .filter(
          () => !['cli', 'library'].includes(wingOf(file)) && !file.startsWith(join('cache', 'backends')),
        )
        .map((target) => `${file} imports ${target}`),
    );
    expect(violations).toEqual([]);
  });

  test('names built-in modules with node:', () => {
    const bare = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => builtinModules.includes(specifier))
        .map((specifier) => `${file} imports ${specifier}`),
    );
    expect(bare).toEqual([]);
  });

  test.each(pureWings)('%s imports nothing that has an effect', (wing) => {
    const impure = files
      .filter((file) => wingOf(file) === wing)
      .flatMap((file) =>
        importsOf(file)
          .filter((specifier) => specifier.startsWith('node:') && !pureModules.has(specifier))
          .map((specifier) => `${file} imports ${specifier}`),
      );
    expect(impure).toEqual([]);
  });

  test.each(pureWings)('%s reads no clock and no environment', (wing) => {
    const impure = files
      .filter((file) => wingOf(file) === wing)
      .flatMap((file) => findImpureGlobals(sources.get(file) ?? '').map((name) => `${file} uses ${name}`));
    expect(impure).toEqual([]);
  });

  test('has files that can be read at one sitting', () => {
    const long = files
      .map((file) => ({ file, lines: (sources.get(file) ?? '').trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > maxLines)
      .map(({ file, lines }) => `${file} has ${lines} lines`);
    expect(long).toEqual([]);
  });

  test('has names that say what is inside', () => {
    const meaningless = files.filter((file) =>
      file.split(sep).some((part) => meaninglessName.test(basename(part, '.ts'))),
    );
    expect(meaningless).toEqual([]);
  });

  test('has file names in kebab-case', () => {
    expect(
      files.filter((file) => !/^[a-z0-9-]+(\/[a-z0-9-]+)*\.ts$/.test(file.split(sep).join('/'))),
    ).toEqual([]);
  });

  test('exports by name', () => {
    expect(files.filter((file) => /^export default\b/m.test(sources.get(file) ?? ''))).toEqual([]);
  });
});

// A check that finds nothing must be known to be able to.
describe('the search for clocks and the environment', () => {
  test.each([
    ['Date.now()', 'Date.now'],
    ['const a = new Date();', 'new Date()'],
    ['f(process.env)', 'process'],
    ['globalThis.setTimeout(f, 1)', 'setTimeout'],
    ['performance.now()', 'performance'],
    ['Math.random()', 'Math.random'],
  ])('finds it in: %s', (text, name) => expect(findImpureGlobals(text)).toEqual([name]));

  test.each([
    'new Date(0).toISOString()',
    'Math.max(1, 2)',
    'statement.process(1)',
    'const process = 1; f(process)',
    'const a = { console: 1 };',
    'type A = typeof process;',
    "f('process.env') // Date.now()",
  ])('finds nothing in: %s', (text) => expect(findImpureGlobals(text)).toEqual([]));
});
