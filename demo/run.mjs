// `npm run demo`: installs what is missing, builds, and runs main.ts. Node built-ins only until that is done.
import { createRequire } from 'node:module';
import { build, installDependencies } from '../test/support/prepare.mjs';

installDependencies();
build();

// tsx would leave a directory behind.
process.env.TSX_DISABLE_CACHE = '1';
const { register } = await import('tsx/cjs/api');
register();
const { runDemo } = createRequire(import.meta.url)('./main.ts');

try {
  process.exitCode = await runDemo(process.argv.slice(2));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
// Everything is stopped; a connection that is still being closed shall not keep anybody waiting.
process.exit();
