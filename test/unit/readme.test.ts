import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SqlState } from '../../src/errors/pg-error';
import { readmePath, readmeWithTables } from '../support/readme-tables';

const readme = readFileSync(readmePath, 'utf8');

function section(title: string): string {
  const [, text = ''] = readme.split(`\n${title}\n`);
  return text.split(/\n#{2,3} /)[0] ?? '';
}

function firstColumn(text: string): readonly string[] {
  return [...text.matchAll(/^\| ([^|]+?) \|/gm)].map(([, cell = '']) => cell).slice(1);
}

describe('README.md', () => {
  test('has the options and metrics there are (npm run docs writes them)', async () => {
    expect(readme).toBe(await readmeWithTables(readme));
  });

  test('lists every SQLSTATE the proxy may send, and no other', () => {
    expect(firstColumn(section('## Errors')).toSorted()).toEqual(Object.values(SqlState).toSorted());
  });

  test('gives a reason for every dependency, and for no other', () => {
    const manifest = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>;
      readonly optionalDependencies: Readonly<Record<string, string>>;
      readonly peerDependencies: Readonly<Record<string, string>>;
    };
    const documented = firstColumn(section('### Dependencies')).flatMap((cell) => cell.split(', '));
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    const all = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    expect(documented.toSorted()).toEqual(all.toSorted());
  });

  test('names a test for every kind of statement and join, and each exists', () => {
    const tests = ['integration/engine', 'unit/query/analysis'].flatMap((folder) => {
      const path = join(__dirname, '..', folder);
      const files = readdirSync(path, { recursive: true }).map(String);
      return files
        .filter((file) => file.endsWith('.ts'))
        .map((file) => readFileSync(join(path, file), 'utf8'));
    });
    const rows = [...section('### What is restricted').matchAll(/^\| .* \| ([^|]*) \|$/gm)].slice(1);
    const named = rows.map(([row, cell = '']) => /`([^`]+)`/.exec(cell)?.[1] ?? `none in ${row}`);
    const isTitle = (name: string): boolean =>
      tests.some((text) => [`'${name}'`, `'refuses: ${name}'`].some((title) => text.includes(title)));
    expect(named.filter((name) => name !== 'none in | join | | test |' && !isTitle(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });

  test('names a test for every promise, and each exists', () => {
    const rows = [...section('### What you can rely on').matchAll(/^\| .* \| ([^|]*) \|$/gm)].slice(1);
    const named = rows.map(([, cell = '']) => [...cell.matchAll(/test\/[\w./-]+/g)].map(([path]) => path));
    expect(named.filter((paths) => paths.length === 0)).toEqual([]);
    expect(named.flat().filter((path) => !existsSync(join(__dirname, '../..', path)))).toEqual([]);
    expect(named.length).toBeGreaterThan(8);
  });

  test('names only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const named = [...readme.matchAll(/npm run ([a-z:]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
