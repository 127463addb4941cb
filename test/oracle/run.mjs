// `npm run oracle`: installs what is missing, builds, and runs test/oracle/main.ts. Node built-ins only until that is done.
import { createRequire } from 'node:module';
import { build, installDependencies } from '../support/prepare.mjs';

installDependencies();
build();

// tsx would leave a directory behind.
process.env.TSX_DISABLE_CACHE = '1';
const { register } = await import('tsx/cjs/api');
register();
const { runOracleCommand } = createRequire(import.meta.url)('./main.ts');

try {
  process.exitCode = await runOracleCommand(process.argv.slice(2));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
process.exit();
