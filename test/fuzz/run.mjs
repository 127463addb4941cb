// `npm run fuzz`: installs what is missing, and runs main.ts. Node built-ins only until that is done.
import { createRequire } from 'node:module';
import { installDependencies } from '../support/prepare.mjs';

installDependencies();

// tsx would leave a directory behind.
process.env.TSX_DISABLE_CACHE = '1';
const { register } = await import('tsx/cjs/api');
register();
const { runMain } = createRequire(import.meta.url)('./main.ts');

try {
  process.exitCode = await runMain(process.env);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
// Everything is stopped; a connection that is still being closed shall not keep anybody waiting.
process.exit();
