// What must stand before anything else can run: npm packages and the build. Node built-ins only.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectDirectory = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Runs `npm ci` unless node_modules holds what package-lock.json asks for. Output goes to stderr. */
export function installDependencies() {
  const missing = findMissingPackage();
  if (missing === undefined) return;
  console.error(`installing npm packages (${missing})`);
  run(...npm(), 'ci', '--no-audit', '--no-fund');
}

/** Compiles src/ to dist/ unless dist/ is newer than everything it is made of. Output goes to stderr. */
export function build() {
  const dist = join(projectDirectory, 'dist');
  const target = join(dist, 'main.js');
  const sources = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
  const newest = Math.max(...sources.map((source) => newestChange(join(projectDirectory, source))));
  if (existsSync(target) && statSync(target).mtimeMs > newest) return;
  console.error('compiling src to dist');
  const tsc = join(projectDirectory, 'node_modules', 'typescript', 'bin', 'tsc');
  const config = join(projectDirectory, 'tsconfig.build.json');
  // Beside dist and then in its place: whoever runs from dist meanwhile finds it whole, and a build that fails changes
  // nothing. What no longer has a source does not linger either.
  const fresh = join(projectDirectory, `dist-${process.pid}`);
  const old = join(projectDirectory, `dist-${process.pid}-old`);
  try {
    run(process.execPath, tsc, '-p', config, '--outDir', fresh, '--noEmitOnError');
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
  } finally {
    for (const directory of [fresh, old]) rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * The first package of package-lock.json that node_modules has not got, or has in another version. Packages for other
 * platforms are optional and may be absent. Times of files say nothing after a checkout, so versions are compared.
 */
function findMissingPackage() {
  const installedLock = join(projectDirectory, 'node_modules', '.package-lock.json');
  if (!existsSync(installedLock)) return 'there is no node_modules';
  const installed = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(projectDirectory, 'package-lock.json'), 'utf8')).packages;
  for (const [path, { version, optional, devOptional, link }] of Object.entries(wanted)) {
    if (path === '' || link) continue;
    const found = installed[path]?.version;
    if (found === undefined && (optional || devOptional)) continue;
    if (found !== version)
      return `${path.replace(/^node_modules\//, '')} ${version} instead of ${found ?? 'none'}`;
  }
  return undefined;
}

/** npm as it was called, else the one beside node, else the one in PATH. */
function npm() {
  const called = process.env.npm_execpath;
  if (called?.endsWith('.js')) return [process.execPath, called];
  const beside = join(dirname(process.execPath), 'npm');
  return [existsSync(beside) ? beside : 'npm'];
}

function newestChange(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  // The directory's own time tells of removed files.
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}

function run(program, ...args) {
  const { status, error } = spawnSync(program, args, {
    cwd: projectDirectory,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (error !== undefined) throw new Error(`${program} did not start`, { cause: error });
  if (status !== 0) throw new Error(`failed (${status}): ${[program, ...args].join(' ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installDependencies();
