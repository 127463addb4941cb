import { readFileSync } from 'node:fs';
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
    };
    const documented = firstColumn(section('### Dependencies')).flatMap((cell) => cell.split(', '));
    expect(documented.toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted());
  });

  test('names only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const named = [...readme.matchAll(/npm run ([a-z:]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
