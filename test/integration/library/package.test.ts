import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as library from '../../../src';
import { programNames } from '../../../src/cli/program-names';
import { devDependencies } from '../../../package.json';
import { packages } from '../../../package-lock.json';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

const run = promisify(execFile);
const project = join(__dirname, '../../..');
const exported = Object.keys(library).sort();

/** Whether npm can have other packages: asked for one that every installation takes. */
const hasRegistry =
  spawnSync('npm', ['view', 'pg', 'version', '--fetch-retries=0'], { timeout: 20_000 }).status === 0;

/** The package as it is installed into an empty folder, with what it takes and no others; by links to ours where npm's registry is away. */
describe(`the packed package, installed by ${hasRegistry ? 'npm' : 'links, as npm’s registry is away'}`, () => {
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
    const tarball = join(path, first.filename);
    if (hasRegistry)
      await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], { cwd: path });
    else await linkAll(tarball);
    // Programs in TypeScript have these for themselves.
    for (const name of ['@types/node', 'undici-types']) await install(`node_modules/${name}`);
  }, 180_000);

  afterAll(async () => {
    await directory[Symbol.asyncDispose]();
  });

  async function linkAll(tarball: string): Promise<void> {
    const home = join(directory.path, 'node_modules', 'pcache');
    await mkdir(home, { recursive: true });
    await run('tar', ['-xzf', tarball, '-C', home, '--strip-components=1']);
    for (const [place, entry] of Object.entries(packages)) {
      const isNeeded =
        !('dev' in entry) && !('optional' in entry) && !('devOptional' in entry) && !('peer' in entry);
      if (isNeeded && /^node_modules\/(@[^/]+\/)?[^/]+$/.test(place)) await install(place);
    }
    const { bin } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as {
      bin: Record<string, string>;
    };
    await mkdir(join(directory.path, 'node_modules/.bin'));
    for (const [name, file] of Object.entries(bin))
      await symlink(join(home, file), join(directory.path, 'node_modules/.bin', name));
  }

  async function install(place: string): Promise<void> {
    const target = join(directory.path, place);
    if (existsSync(target)) return;
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

  test('needs no package that is only for its development', async () => {
    const installed = await readdir(join(directory.path, 'node_modules'));
    const own = ['typescript', 'jest', 'tsx', 'eslint', 'prettier'];
    expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(own));
    expect(own.filter((name) => installed.includes(name))).toEqual([]);
  });

  test.each(Object.entries(programNames).filter(([, command]) => command !== ''))(
    '%s is installed, and is pcache %s',
    async (name, command) => {
      const { stdout } = await run(join(directory.path, 'node_modules/.bin', name), ['--help'], {
        cwd: directory.path,
        env: { PATH: process.env['PATH'] },
      });
      expect(stdout.split('\n')[0]).toBe(`pcache ${command}`);
    },
  );

  test('its programs work with the stores that are packages', async () => {
    const counted = await run(join(directory.path, 'node_modules/.bin/pcache-manage'), ['cache', 'count'], {
      cwd: directory.path,
      env: { PATH: process.env['PATH'], CACHE_BACKEND: 'rocksdb_set', ROCKSDB_PATH: './cache' },
    });
    expect(counted).toEqual({ stdout: 'no partition key is registered\n', stderr: '' });
  });

  test('its command runs', async () => {
    const { bin, version } = JSON.parse(
      await readFile(join(directory.path, 'node_modules/pcache/package.json'), 'utf8'),
    ) as { bin: Record<string, string>; version: string };
    expect(await node(`node_modules/pcache/${bin['pcache']}`, '--version')).toBe(`${version}\n`);
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
