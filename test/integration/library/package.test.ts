import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as library from '../../../src';
import { packages } from '../../../package-lock.json';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

const run = promisify(execFile);
const project = join(__dirname, '../../..');
const exported = Object.keys(library).sort();

/** The package as it would be installed: unpacked from its tarball, beside the packages it takes and no others. */
describe('the packed package', () => {
  let directory: TemporaryDirectory;
  let packed: { readonly size: number; readonly files: readonly { readonly path: string }[] };

  beforeAll(async () => {
    directory = await temporaryDirectory('package');
    const { path } = directory;
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', path], {
      cwd: project,
      maxBuffer: 2 ** 26,
    });
    // npm 12 has an object of packages in place of a list.
    const [first] = Object.values(JSON.parse(stdout) as Record<string, typeof packed & { filename: string }>);
    if (first === undefined) throw new Error(`npm pack has written ${stdout}`);
    packed = first;
    const home = join(path, 'node_modules', 'pcache');
    await mkdir(home, { recursive: true });
    await run('tar', ['-xzf', join(path, first.filename), '-C', home, '--strip-components=1']);
    for (const [place, entry] of Object.entries(packages)) {
      const isNeeded =
        !('dev' in entry) && !('optional' in entry) && !('devOptional' in entry) && !('peer' in entry);
      if (isNeeded && /^node_modules\/(@[^/]+\/)?[^/]+$/.test(place)) await install(place);
    }
    // Programs in TypeScript have these for themselves.
    for (const name of ['@types/node', 'undici-types']) await install(`node_modules/${name}`);
  });

  afterAll(async () => {
    await directory[Symbol.asyncDispose]();
  });

  async function install(place: string): Promise<void> {
    const target = join(directory.path, place);
    await mkdir(dirname(target), { recursive: true });
    await symlink(join(project, place), target);
  }

  async function node(...args: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, args, {
      cwd: directory.path,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    });
    return stdout;
  }

  test('has what it needs, nothing of its making, and the size that README.md says', async () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'dist/main.js']),
    );
    expect(paths.filter((path) => /^(src|test|bench|demo|node_modules)\//.test(path))).toEqual([]);
    const readme = await readFile(join(project, 'README.md'), 'utf8');
    const said = Number(/packed it has ([\d.]+) MB/.exec(readme)?.[1]);
    expect(packed.size / 1e6 / said).toBeGreaterThan(0.7);
    expect(packed.size / 1e6 / said).toBeLessThan(1.3);
  });

  test('its command runs', async () => {
    const { bin, version } = JSON.parse(
      await readFile(join(directory.path, 'node_modules/pcache/package.json'), 'utf8'),
    ) as { bin: Record<string, string>; version: string };
    expect(await node(`node_modules/pcache/${bin['pcache']}`, '--version')).toBe(`${version}\n`);
    for (const file of new Set(Object.values(bin)))
      expect(await node(`node_modules/pcache/${file}`, '--help')).toMatch(/pcache/);
  });

  test('gives the same names to CommonJS and to ECMAScript modules', async () => {
    const commonJs = await node('-p', `JSON.stringify(Object.keys(require('pcache')).sort())`);
    expect(JSON.parse(commonJs)).toEqual(exported);
    const script = `
      import * as all from 'pcache';
      import { applyCache, createCacheHelper, listCacheTypes } from 'pcache';
      if (typeof applyCache !== 'function') throw new Error('no applyCache');
      const cache = await createCacheHelper('memory', 'city_id', 'integer');
      await cache.setSet('name', [1, 2]);
      const names = Object.keys(all).filter((name) => name !== 'default' && name !== '__esModule' && name !== 'module.exports').sort();
      console.log(JSON.stringify({ names, keys: (await cache.get('name')).toNumbers(), types: listCacheTypes().redis_set }));
      await cache.close();`;
    const output = JSON.parse(await node('--input-type=module', '-e', script)) as unknown;
    expect(output).toEqual({ names: exported, keys: [1, 2], types: ['integer', 'text'] });
  });

  test('has types for both, and none of another package that would have to be installed', async () => {
    const program = `
      import { applyCache, type CacheHelper, createCacheHelper, type PartitionKeys } from 'pcache';
      export async function enhance(query: string): Promise<string> {
        const cache: CacheHelper = await createCacheHelper('postgresql_array', 'city_id', 'integer', {
          connection: 'postgresql://localhost/db', consistency: 'static', cache: { postgresql: { schema: 'x' } },
        });
        const keys: PartitionKeys | undefined = await cache.get('name');
        const { query: text, stats } = await applyCache({ query, cacheHandler: cache.underlyingHandler, method: 'TMP_TABLE_IN' });
        // @ts-expect-error there is no such method
        await applyCache({ query, cacheHandler: cache, method: 'MAGIC' });
        // @ts-expect-error nor such an option
        await createCacheHelper('memory', 'city_id', 'integer', { cache: { nonsense: 1 } });
        return stats.enhanced && keys !== undefined ? text : query;
      }`;
    await writeFile(join(directory.path, 'esm.mts'), program);
    await writeFile(join(directory.path, 'cjs.cts'), program);
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node'];
    const compile = node(
      join(project, 'node_modules/typescript/bin/tsc'),
      ...options,
      ...['--module', 'nodenext', '--moduleResolution', 'nodenext', 'esm.mts', 'cjs.cts'],
    );
    await compile.catch((error: unknown) => {
      throw new Error(`tsc: ${(error as { stdout?: string }).stdout ?? String(error)}`);
    });
  });
});
