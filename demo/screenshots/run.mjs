// `npm run screenshots [-- DIRECTORY]`: installs what is missing, builds, and runs main.ts. Node built-ins only until that is done.
import { createRequire } from 'node:module';
import { build, installDependencies } from '../../test/support/prepare.mjs';

installDependencies();
build();

// tsx would leave a directory behind.
process.env.TSX_DISABLE_CACHE = '1';
const { register } = await import('tsx/cjs/api');
register();
const { takeScreenshots } = createRequire(import.meta.url)('./main.ts');

try {
  await takeScreenshots(process.argv[2] ?? 'screenshots');
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
process.exit();
