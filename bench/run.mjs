// `npm run bench:overhead`, `npm run bench:rewrite` and the others: installs what is missing, builds, and runs the benchmark named first.
// Node built-ins only until that is done.
import Module, { createRequire } from 'node:module';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDebianPackages } from '../test/support/debian-packages.mjs';
import { build, installDependencies } from '../test/support/prepare.mjs';

const benchmarks = [
  'overhead',
  'rewrite',
  'stalls',
  'workers',
  'memory',
  'cache',
  'lookup',
  'poi',
  'exact',
  'population',
  'soak',
];
const [name, ...args] = process.argv.slice(2);
if (!benchmarks.includes(name)) {
  console.error(`usage: node bench/run.mjs ${benchmarks.join('|')} [options]`);
  process.exit(2);
}

installDependencies();
if (['overhead', 'poi', 'population', 'workers'].includes(name)) installDebianPackages();
build();

// tsx would leave a directory behind.
process.env.TSX_DISABLE_CACHE = '1';
const { register } = await import('tsx/cjs/api');
register();
// What is measured is what runs: tsc's code of src/. tsx's own gives every function its name when it is made, which takes time.
const folder = (name) => fileURLToPath(new URL(`../${name}/`, import.meta.url)).replace(/[\\/]$/, sep);
const resolve = Module._resolveFilename;
Module._resolveFilename = (...request) => {
  const file = resolve(...request);
  return file.startsWith(folder('src'))
    ? file.replace(folder('src'), folder('dist')).replace(/\.ts$/, '.js')
    : file;
};
const { runBenchmark } = createRequire(import.meta.url)(`./${name}/main.ts`);

try {
  process.exitCode = await runBenchmark(args);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
// Everything is stopped; a connection that is still being closed shall not keep anybody waiting.
process.exit();
